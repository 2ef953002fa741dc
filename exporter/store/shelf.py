"""A second cache that several machines share, behind each one's own: a folder or an object store, through fsspec."""

import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from exporter.data.errors import MissingExtraError, UsageProblem, first_line
from exporter.store.digests import tree_digest

VARIABLE = "MOBILE_EXPORT_SHARED_CACHE"
_DIGEST_LENGTH = 64


class Shelf:
    """Entries as files, each the digest of its content and then the content as tar: ``KK/KEY.entry``.

    What comes in is whole, or is none: no store has to rename. Its trouble fails no run: the first is told, and it is
    left alone from there on.

    Args:
        url: such as ``s3://bucket/folder`` or ``file:///mnt/team/cache``.
        note: is told the trouble.

    Raises:
        UsageProblem: fsspec knows no such store, or what it needs for that is not installed.
    """

    def __init__(self, url: str, note: Callable[[str], None]) -> None:
        self._url, self._note = url, note
        self._troubled = False
        try:
            self._place("")
        except ModuleNotFoundError as error:
            raise MissingExtraError("fsspec", "cluster") from error
        except (ImportError, ValueError) as error:
            raise UsageProblem(f"the shared cache {url} ({VARIABLE}) cannot be used: {first_line(error)}") from error

    def fetch(self, key: str, folder: Path) -> bool:
        """Have the empty `folder` hold the entry's files; False where there is none, and then it may hold a part."""
        with tempfile.TemporaryFile() as here:
            return self._tried(lambda: self._copied(key, here)) is True and _unpacked(here, folder)

    def put(self, key: str, entry: Path) -> None:
        """File an entry, instead of what is there; `entry` is named after its content's digest."""
        with tempfile.TemporaryFile() as here:
            here.write(entry.name.encode("ascii"))
            with tarfile.open(fileobj=here, mode="w") as archive:
                archive.add(entry, arcname=".")
            here.seek(0)
            self._tried(lambda: self._sent(key, here))

    def _copied(self, key: str, here: IO[bytes]) -> bool:
        store, path = self._place(key)
        try:
            with store.open(path, "rb") as there:
                _copy(there, here)
        except FileNotFoundError:
            return False
        return True

    def _sent(self, key: str, here: IO[bytes]) -> None:
        store, path = self._place(key)
        store.makedirs(store._parent(path), exist_ok=True)
        with store.open(path, "wb") as there:
            _copy(here, there)

    def _place(self, key: str) -> tuple[Any, str]:
        """The store, which is another one in a copy of this process, and the entry's path there."""
        import fsspec

        store, path = fsspec.core.url_to_fs(self._url)
        return store, f"{path.rstrip('/')}/{key[:2]}/{key}.entry"

    def _tried(self, work: Callable[[], Any]) -> Any:
        if self._troubled:
            return None
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the library of each store has errors of its own
            self._troubled = True
            self._note(
                f"The shared cache {self._url} is not used any more: {type(error).__name__}: {first_line(error)}"
            )
            return None


def shelf_of_user(note: Callable[[str], None]) -> Shelf | None:
    """The one that ``MOBILE_EXPORT_SHARED_CACHE`` names, if any.

    Raises:
        UsageProblem: as `Shelf`.
    """
    url = os.environ.get(VARIABLE)
    return Shelf(url, note) if url else None


def _copy(source: IO[bytes], destination: IO[bytes]) -> None:
    while part := source.read(2**20):
        destination.write(part)


def _unpacked(file: IO[bytes], folder: Path) -> bool:
    """Whether all of it came, and nothing else."""
    file.seek(0)
    digest = file.read(_DIGEST_LENGTH)
    try:
        with tarfile.open(fileobj=file, mode="r") as archive:
            archive.extractall(folder, filter="data")
    except tarfile.TarError:
        return False
    return tree_digest(folder).encode("ascii") == digest
