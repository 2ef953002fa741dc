"""The code that decides a result, as a digest: no author has to remember that a change makes results differ."""

import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import device_harness
import exporter
import profilers
from device_harness.digests import file_digest
from exporter.store.tools import declared_libraries, versions_of

SHOWING = frozenset({"api", "cli", "report", "gates", "sizes", "demo"})
"""Packages that show, judge or weigh what a cached result is; a new package decides until it is named here."""


@cache
def code_digest() -> str:
    """SHA-256 over this program's own files, but those that only show or judge results."""
    digest = hashlib.sha256()
    for package, without in ((exporter, SHOWING), (profilers, frozenset[str]()), (device_harness, frozenset[str]())):
        digest.update(folder_digest(Path(package.__file__ or "").parent, without).encode())
    return digest.hexdigest()


def program_facts() -> dict[str, str]:
    """What must be the same wherever this program is to give the same results: its code, Python and its libraries."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"code": code_digest()[:12], "Python": python, **versions_of(declared_libraries())}


def folder_digest(folder: Path, without: frozenset[str] = frozenset()) -> str:
    """SHA-256 over names and contents of a package's files.

    Args:
        folder: of the package.
        without: names in it that are left out.
    """
    digest = hashlib.sha256()
    for path in sorted(_files(folder, without)):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_digest(path)}\n".encode())
    return digest.hexdigest()


def _files(folder: Path, without: frozenset[str]) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if parts[0] not in without and "__pycache__" not in parts and path.is_file():
            yield path
