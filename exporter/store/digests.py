"""Sizes and digests of files and folders."""

import hashlib
from pathlib import Path


def files_of(path: Path) -> list[Path]:
    """The regular files of a folder in a fixed order, or the file itself."""
    if not path.is_dir():
        return [path]
    return sorted(item for item in path.rglob("*") if item.is_file())


def tree_size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return sum(item.stat().st_size for item in files_of(path))


def tree_digest(path: Path) -> str:
    """SHA-256 of a file, or over the relative names and digests of a folder's files."""
    if not path.is_dir():
        return _file_digest(path)
    digest = hashlib.sha256()
    for item in files_of(path):
        digest.update(f"{item.relative_to(path).as_posix()}\0{_file_digest(item)}\n".encode())
    return digest.hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
