"""Kept runs in a folder: each has one of its own, with `run.json` or `profile.json`, its samples, and its commit.

Folders that `run -o` made, put side by side, are a history too.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.history import Figure, KeptRun
from exporter.data.facts.revision import Revision
from exporter.data.versions import checked_version
from exporter.history.documents import read_entry
from exporter.history.history import Document, Entry, in_time
from exporter.store.output import naming, write_text
from exporter.store.runs import RUN, SAMPLES

PROFILE = "profile.json"
KEPT = "kept.json"
VERSION = 1
_UNFINISHED = ".tmp-"


class Folder:
    """A folder; see `exporter.history.history.History`."""

    def __init__(self, path: Path, *, to_write: bool = False) -> None:
        """Take it, or make it where it is not there.

        Raises:
            UsageProblem: it is no place for a folder.
        """
        self._path = path
        if to_write:
            with naming(path):
                path.mkdir(parents=True, exist_ok=True)

    def keep(self, entry: Entry) -> bool:
        """See `History.keep`."""
        run = entry.run
        if any(known.run.digest == run.digest for known in self._entries()):
            return False
        with naming(self._path):
            made = Path(tempfile.mkdtemp(dir=self._path, prefix=_UNFINISHED))
            try:
                _write(made, entry)
                return _appears(made, self._path / f"{run.taken_at:%Y%m%dT%H%M%S}-{run.digest[:16]}")
            finally:
                shutil.rmtree(made, ignore_errors=True)

    def runs(self) -> list[KeptRun]:
        """See `History.runs`."""
        return in_time([entry.run for entry in self._entries()])

    def figures(self) -> list[tuple[KeptRun, Figure]]:
        """See `History.figures`."""
        entries = {entry.run.digest: entry for entry in self._entries()}
        runs = in_time([entry.run for entry in entries.values()])
        return [(run, figure) for run in runs for figure in entries[run.digest].figures]

    def document(self, run: KeptRun) -> Document:
        """See `History.document`."""
        return next(entry.document for entry in self._entries() if entry.run.digest == run.digest)

    def _entries(self) -> Iterator[Entry]:
        """Each run once, though its folder be there twice."""
        seen = set()
        for folder in sorted(self._path.iterdir()):
            found = next((folder / name for name in (RUN, PROFILE) if (folder / name).is_file()), None)
            if found is None or folder.name.startswith(_UNFINISHED):
                continue
            entry = _read(found)
            if entry.run.digest not in seen:
                seen.add(entry.run.digest)
                yield entry


def _write(folder: Path, entry: Entry) -> None:
    write_text(folder / (RUN if entry.run.kind == "run" else PROFILE), entry.document.text)
    if entry.document.samples is not None:
        write_text(folder / SAMPLES, entry.document.samples)
    run = entry.run
    revision = None if run.revision is None else run.revision.model_dump(mode="json")
    targets = [figure.lane.target for figure in entry.figures] if run.kind == "profile" else []
    known = {"model": run.model, "target": targets[0] if len(set(targets)) == 1 else None, "revision": revision}
    write_text(folder / KEPT, json.dumps({"schema_version": VERSION, **known}, indent=1))


def _appears(made: Path, place: Path) -> bool:
    made.chmod(0o755)
    try:
        os.rename(made, place)
    except OSError:
        with contextlib.suppress(OSError):  # another process kept the same run meanwhile
            if any(place.iterdir()):
                return False
        raise
    return True


def _read(document: Path) -> Entry:
    """With the names and the commit that were given when it was kept; a run that only lies there has its own."""
    path = document.parent / KEPT
    if not path.is_file():
        return read_entry(document)
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        checked_version(known, path, VERSION)
        revision = known["revision"] and Revision.model_validate(known["revision"])
        return read_entry(document, model=known["model"], target=known["target"], revision=revision)
    except (OSError, ValueError, KeyError, TypeError) as error:  # pydantic's errors are ValueErrors
        raise UsageProblem(f"{path} is damaged: {error}") from error
