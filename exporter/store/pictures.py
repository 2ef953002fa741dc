"""Pictures of a run's worst examples: image files beside its record, each named by its content."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from exporter.store.output import naming, write_bytes

PICTURES = "pictures"
_NAME = re.compile(r"([0-9a-f]{64})\.(jpg|png)")


def write_pictures(folder: Path, pictures: Mapping[str, str]) -> None:
    """Write pictures, in base64 by name, to their folder in the run's, and remove those of an earlier run.

    Raises:
        ExporterError: one of them cannot be written.
    """
    place = folder / PICTURES
    for name, content in pictures.items():
        write_bytes(place / name, base64.b64decode(content))
    with naming(place):
        older = [path for path in place.glob("*") if _NAME.fullmatch(path.name) and path.name not in pictures]
        for path in older:
            path.unlink()
        if older and not any(place.iterdir()):
            place.rmdir()


def load_pictures(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Those of a run's pictures that lie beside its record as it means them, in base64 by name.

    What is no name of a picture is not looked for: a record from elsewhere must not make this program read any file.
    """
    found = {name: _content(folder / PICTURES / name) for name in dict.fromkeys(names) if _NAME.fullmatch(name)}
    return {
        name: base64.b64encode(content).decode()
        for name, content in found.items()
        if hashlib.sha256(content).hexdigest() == name.partition(".")[0]
    }


def _content(path: Path) -> bytes:
    """Of a file; nothing where it is not there, or is none."""
    return path.read_bytes() if path.is_file() else b""
