"""Sizes and digests of files and folders."""

from pathlib import Path

from device_harness.digests import file_digest, files_of, tree_digest
from exporter.data.errors import UsageProblem

__all__ = ["files_of", "given_digest", "tree_digest", "tree_size"]


def tree_size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return sum(item.stat().st_size for item in files_of(path))


def given_digest(path: Path) -> str:
    """SHA-256 of a file that the user named.

    Raises:
        UsageProblem: it cannot be read.
    """
    try:
        return file_digest(path)
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}.") from error
