"""A content-addressed cache: entries appear whole or not at all, under a key that decides their content."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

MOST_BYTES = 10 * 10**9
"""Beyond this size the entries that were used longest ago are dropped."""

ABANDONED_S = 24 * 3600


def default_root() -> Path:
    """``MOBILE_EXPORT_CACHE``, or the user's cache folder."""
    given = os.environ.get("MOBILE_EXPORT_CACHE")
    return Path(given) if given else user_cache_path("mobile-export")


def key_of(*parts: Any) -> str:
    """SHA-256 of JSON-able parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class Cache:
    """Folders filed under keys below `root`.

    A killed process leaves at most a folder under ``tmp``, which nobody reads and a later run removes.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, key: str) -> Path | None:
        """The entry's folder, or None."""
        entry = self._entry(key)
        if not entry.is_dir():
            return None
        os.utime(entry)
        return entry

    def store(self, key: str, fill: Callable[[Path], None]) -> Path:
        """Make the entry: `fill` writes into an empty folder, which then gets its place in one rename.

        When two processes make the same entry, the first one's stays; the content is the same.
        """
        unfinished = self.root / "tmp"
        unfinished.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=unfinished))
        try:
            fill(folder)
            _flush(folder)
            entry = self._entry(key)
            entry.parent.mkdir(exist_ok=True)
            try:
                folder.rename(entry)
            except OSError:
                if not entry.is_dir():
                    raise
            return entry
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def drop(self, key: str) -> None:
        """Forget an entry, if there is one."""
        entry = self._entry(key)
        if entry.is_dir():
            grave = Path(tempfile.mkdtemp(dir=self.root))
            entry.rename(grave / "entry")
            shutil.rmtree(grave, ignore_errors=True)

    def read_json(self, key: str) -> Any | None:
        """The document of an entry that `store_json` made, or None."""
        entry = self.find(key)
        return None if entry is None else json.loads((entry / "value.json").read_text(encoding="utf-8"))

    def store_json(self, key: str, value: Any) -> None:
        """File a JSON document."""
        self.store(key, lambda folder: _write_text(folder / "value.json", json.dumps(value)))

    def tidy(self) -> None:
        """Remove what killed runs left, and the entries unused for longest beyond `MOST_BYTES`."""
        now = time.time()
        for folder in (self.root / "tmp").glob("*"):
            if now - folder.stat().st_mtime > ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)
        entries = sorted(
            (entry for entry in self.root.glob("??/*") if entry.is_dir()), key=lambda entry: -entry.stat().st_mtime
        )
        total = 0
        for entry in entries:
            total += sum(item.stat().st_size for item in entry.rglob("*") if item.is_file())
            if total > MOST_BYTES:
                shutil.rmtree(entry, ignore_errors=True)

    def _entry(self, key: str) -> Path:
        return self.root / key[:2] / key


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _flush(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
