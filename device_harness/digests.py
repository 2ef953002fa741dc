"""SHA-256 of files and folders, as hexadecimal text."""

import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """SHA-256 of the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(path: Path) -> list[Path]:
    """The regular files of a folder in a fixed order, or the file itself."""
    if not path.is_dir():
        return [path]
    return sorted(item for item in path.rglob("*") if item.is_file())


def tree_digest(path: Path) -> str:
    """SHA-256 of a file, or over the relative names and digests of a folder's files."""
    if not path.is_dir():
        return file_digest(path)
    digest = hashlib.sha256()
    for item in files_of(path):
        digest.update(f"{item.relative_to(path).as_posix()}\0{file_digest(item)}\n".encode())
    return digest.hexdigest()
