"""A content-addressed cache: entries appear whole or not at all, under a key that decides their content."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from exporter.data.errors import ExporterError, file_problem
from exporter.store import output
from exporter.store.digests import tree_digest
from exporter.store.shelf import Shelf, shelf_of_user

MOST_BYTES = 10 * 10**9
"""Beyond this size the entries that were used longest ago are dropped."""

RECENT_S = 24 * 3600
"""What was used within this time is never removed: a run may still read it."""

LOCKED = ".lock"
Value = TypeVar("Value")


def default_root() -> Path:
    """``MOBILE_EXPORT_CACHE``, or the user's cache folder."""
    given = os.environ.get("MOBILE_EXPORT_CACHE")
    return Path(given) if given else user_cache_path("mobile-export")


def open_cache(root: Path, note: Callable[[str], None]) -> "Cache":
    """The cache at `root`, with the one that others share where the user names one; `note` is told its trouble.

    Raises:
        UsageProblem: no such shared cache can be.
    """
    return Cache(root, shelf_of_user(note))


def cache_root_here(given: Path) -> Path:
    """The cache that whoever handed on work had `given`, or this machine's own where it is another machine."""
    return given if given.exists() else default_root()


def key_of(*parts: Any) -> str:
    """SHA-256 of JSON-able parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class Cache:
    """Folders filed under keys below `root`.

    ``entries/KK/KEY/DIGEST`` holds an entry, named after its content; ``entries/KK/KEY/current`` names the one that
    stands for the key. What a reader was given stays where it is, whoever drops the key, until it has been unused for a
    day. A killed process leaves at most a folder under ``tmp``, which nobody reads and a later run removes.

    Args:
        root: of this machine's.
        shelf: what others share, which is asked for what is not here, and given what is made here.
    """

    def __init__(self, root: Path, shelf: Shelf | None = None) -> None:
        self.root = root
        self._shelf = shelf

    def alone(self) -> "Cache":
        """The same without what others share: for what is true of this machine."""
        return Cache(self.root)

    def find(self, key: str) -> Path | None:
        """The entry's folder, or None; one whose content is not what was stored is forgotten."""
        return self._found(key) or self._fetched(key)

    def _found(self, key: str) -> Path | None:
        current = self._place(key) / "current"
        try:
            entry = current.parent / _named(current)
            with self._lock():
                os.utime(entry)  # tidying spares it from here on
        except OSError:  # it is not there, was removed, or whoever stores it will say that the cache cannot be written
            return None
        if entry != current.parent and _digest(entry) == entry.name:
            return entry
        self.drop(key)
        return None

    def store(self, key: str, fill: Callable[[Path], None]) -> Path:
        """Make the entry: `fill` writes into an empty folder, which then gets its place in one rename.

        When two processes make the same entry, the first one's stays.

        Raises:
            ExporterError: what `fill` raises; or the disk is full.
        """
        folder = self._unfinished()
        with self._held(folder):
            try:
                with output.naming(folder, f"cache {self.root}"):
                    fill(folder)
                    _flush(folder)
                    entry = self._filed(key, folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        if self._shelf is not None:
            self._shelf.put(key, entry)
        return entry

    def drop(self, key: str) -> None:
        """Forget an entry, if there is one; whoever reads it keeps it."""
        (self._place(key) / "current").unlink(missing_ok=True)

    def read_json(self, key: str, parse: Callable[[Any], Value]) -> Value | None:
        """What `parse` makes of the document of an entry that `store_json` made; None where it can make nothing of it.

        Args:
            key: of the entry.
            parse: raises `ValueError` for a document of another form, as an older version may have written.
        """
        entry = self.find(key)
        if entry is None:
            return None
        try:
            return parse(json.loads((entry / "value.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None

    def store_json(self, key: str, value: Any) -> None:
        """File a JSON document."""
        self.store(key, lambda folder: _write_text(folder / "value.json", json.dumps(value)))

    def tidy(self) -> None:
        """Remove what killed runs left, what was dropped, and the entries unused for longest beyond `MOST_BYTES`.

        Nothing that was used within a day, or is being made, is removed. Files that vanish meanwhile, and a second run
        that tidies at the same time, are no trouble.
        """
        recent = time.time() - RECENT_S
        for folder in _listed(self.root / "tmp"):
            if folder.suffix != LOCKED and not self._being_made(folder):
                self._remove(folder, recent)
        shelves = [shelf for shelf in _listed(self.root) if len(shelf.name) == 2]  # as releases before 0.2 filed them
        for folder in [entry for shelf in shelves for entry in _listed(shelf)]:
            self._remove(folder, recent)
        places = [place for shelf in _listed(self.root / "entries") for place in _listed(shelf)]
        found = [entry for place in places for entry in _listed(place) if entry.name != "current"]
        ages = {entry: age for entry in found if (age := _age(entry)) is not None}
        total = 0
        for entry in sorted(ages, key=lambda entry: -ages[entry]):
            total += _size(entry)
            if total > MOST_BYTES or _named(entry.parent / "current") != entry.name:
                self._remove(entry, recent)

    def _remove(self, folder: Path, recent: float) -> None:
        """Remove a folder that nobody used since `recent`."""
        age = _age(folder)
        if age is None or age >= recent:
            return
        with contextlib.suppress(OSError):  # another run tidies it; or the cache is read only
            grave = self._unfinished()
            with self._lock():
                if os.stat(folder).st_mtime < recent:  # nobody found it since
                    folder.rename(grave / "entry")
            shutil.rmtree(grave, ignore_errors=True)

    def _fetched(self, key: str) -> Path | None:
        """From the shelf; None where that has none, or this machine has no place for it, as whoever stores will say."""
        if self._shelf is None:
            return None
        try:
            folder = self._unfinished()
            with self._held(folder):
                try:
                    return self._filed(key, folder) if self._shelf.fetch(key, folder) else None
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
        except (OSError, ExporterError):
            return None

    def _filed(self, key: str, folder: Path) -> Path:
        """Give the finished `folder` its place, unless another process was first."""
        digest = tree_digest(folder)
        place = self._place(key)
        place.mkdir(parents=True, exist_ok=True)
        with self._lock():
            first = place / _named(place / "current")
            if first != place and first.is_dir():
                os.utime(first)
                return first
            entry = place / digest
            if entry.is_dir() and _digest(entry) != digest:
                entry.rename(self._unfinished() / "damaged")
            if entry.is_dir():  # it was dropped, and somebody may still read it
                os.utime(entry)
            else:
                folder.rename(entry)
            output.write_text(place / "current", digest)
        return entry

    def _unfinished(self) -> Path:
        try:
            (self.root / "tmp").mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(dir=self.root / "tmp"))
        except OSError as error:
            raise file_problem(f"cache {self.root}", error) from error

    def _lock(self) -> FileLock:
        """Held for moments: between finding an entry and marking it as used nobody may remove it."""
        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / "lock")

    @contextlib.contextmanager
    def _held(self, folder: Path) -> Iterator[None]:
        """Show other runs that `folder` is being made; the lock of a killed process is free again."""
        lock = folder.with_name(folder.name + LOCKED)
        with FileLock(lock):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)

    def _being_made(self, folder: Path) -> bool:
        lock = folder.with_name(folder.name + LOCKED)
        try:
            with FileLock(lock, timeout=0):
                lock.unlink(missing_ok=True)
                return False
        except Timeout:
            return True

    def _place(self, key: str) -> Path:
        return self.root / "entries" / key[:2] / key


def _named(current: Path) -> str:
    """The name of the entry that stands for a key; empty for none."""
    try:
        return current.read_text(encoding="ascii", errors="replace").strip("/.")
    except OSError:
        return ""


def _age(path: Path) -> float | None:
    """When `path` was used last, as seconds since the epoch; None when it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _size(entry: Path) -> int:
    total = 0
    for folder, _, names in os.walk(entry):
        for name in names:
            with contextlib.suppress(OSError):  # it vanished
                total += os.stat(os.path.join(folder, name)).st_size
    return total


def _listed(folder: Path) -> list[Path]:
    """What is in a folder; nothing when it is gone."""
    try:
        return [folder / name for name in os.listdir(folder)]
    except OSError:
        return []


def _digest(entry: Path) -> str | None:
    """Of an entry's content; None where a file of it cannot be read."""
    try:
        return tree_digest(entry)
    except OSError:
        return None


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _flush(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
