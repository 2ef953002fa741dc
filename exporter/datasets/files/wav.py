"""WAV files: their headers, and their samples as numbers.

Source: Microsoft, "Multimedia Programming Interface and Data Specifications 1.0", 1991, "Waveform Audio File Format".
"""

import struct
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.execution.heavy import load

_STREAMED = (0, 0xFFFFFFFF)
"""Sizes of a data chunk that was written before it was known; it goes to the end of the file."""


def sample_rate(path: Path) -> int:
    """Samples a second, from the header; the samples are not read.

    Raises:
        UsageProblem: no WAV file, or one that ends before its samples do.
    """
    try:
        with path.open("rb") as stream:
            return _rate(stream, path)
    except OSError as error:
        raise UsageProblem(f"audio {path}: {error.strerror}.") from error
    except struct.error as error:
        raise UsageProblem(f"audio {path} is damaged: it ends in its header.") from error


def _rate(stream: BinaryIO, path: Path) -> int:
    riff, _, wave = struct.unpack("<4sI4s", stream.read(12))
    if riff != b"RIFF" or wave != b"WAVE":
        raise UsageProblem(f"audio {path} is no WAV file: it begins with {riff!r}.")
    rate = 0
    while True:
        name, size = struct.unpack("<4sI", stream.read(8))
        if name == b"data":
            break
        body = stream.read(size + size % 2)
        if name == b"fmt ":
            rate = struct.unpack("<I", body[4:8])[0]
    left = path.stat().st_size - stream.tell()
    if size not in _STREAMED and size > left:
        raise UsageProblem(f"audio {path} is damaged: {left} of {size} bytes of samples are there.")
    if not rate:
        raise UsageProblem(f"audio {path} is damaged: its header says no sample rate.")
    return rate


def read_samples(path: Path) -> NDArray[np.float32]:
    """Samples in [-1, 1], float32 (length,): the mean of the channels.

    Raises:
        UsageProblem: damaged, empty, or of a form that is not read.
    """
    reader = load("scipy.io.wavfile")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", reader.WavFileWarning)  # chunks of other programs
        try:
            _, samples = reader.read(path)
        except (OSError, ValueError, struct.error) as error:
            raise UsageProblem(f"audio {path} cannot be read: {error}.") from error
    scaled = _scaled(samples)
    mixed = scaled.mean(1, dtype=np.float32) if scaled.ndim == 2 else scaled
    if not mixed.size or not np.isfinite(mixed).all():
        raise UsageProblem(f"audio {path} has {'samples that are no numbers' if mixed.size else 'no samples'}.")
    return mixed


def _scaled(samples: NDArray[np.generic]) -> NDArray[np.float32]:
    """Integers of any width as shares of full scale; bytes have their zero at 128."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    values = samples.astype(np.float64) - (128 if samples.dtype == np.uint8 else 0)
    return (values / 2.0 ** (8 * samples.dtype.itemsize - 1)).astype(np.float32)
