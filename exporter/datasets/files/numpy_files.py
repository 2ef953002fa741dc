"""Files of numpy, read without pickles."""

import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem

_DAMAGED = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    SyntaxError,
    NotImplementedError,  # another compression
    RuntimeError,  # a password
    MemoryError,  # a header of more elements than there is memory
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy raises of files that are none or damaged: those of the libraries which it reads them with."""


def read_array(path: Path) -> NDArray[Any]:
    """The array of an .npy.

    Raises:
        UsageProblem: it cannot be read, or is damaged.
    """
    found = _loaded(path)
    if not isinstance(found, np.ndarray):
        raise UsageProblem(f"data {path} holds several arrays; an .npy has one.")
    return found


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz by their names.

    Raises:
        UsageProblem: as `read_array`.
    """
    found = _loaded(path)
    if not isinstance(found, dict):
        raise UsageProblem(f"data {path} is one array without a name; save it with numpy.savez.")
    return found


def _loaded(path: Path) -> Any:
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            return dict(found)
    except _DAMAGED as error:
        raise UsageProblem(f"data {path} cannot be read: {error}.") from error
