"""What is wrong with a file, and the bytes to find it out from."""

import mmap
from pathlib import Path


class Damage(ValueError):  # noqa: N818 - what is wrong with a file
    """The file is not a whole one of its format."""


def mapped(path: Path) -> memoryview:
    """A file's bytes, read from the disk where they are looked at.

    Raises:
        Damage: the file is empty.
    """
    if path.stat().st_size == 0:
        raise Damage("it has 0 bytes")
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
