"""Sizes and digests of files and folders."""

from pathlib import Path

from device_harness.digests import files_of, tree_digest

__all__ = ["files_of", "tree_digest", "tree_size"]


def tree_size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return sum(item.stat().st_size for item in files_of(path))
