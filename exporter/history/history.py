"""History: where runs are kept; a file of SQLite or a folder, which owe the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from exporter.data.errors import UsageProblem
from exporter.data.facts.history import Figure, KeptRun


class Document(NamedTuple):
    """A run or profile as it was written.

    Attributes:
        text: of `run.json`, or what `profile -f json` wrote.
        samples: of `samples.json`; None where nothing was measured, or where the samples are in `text`.
    """

    text: str
    samples: str | None = None


class Entry(NamedTuple):
    """A run that can be kept, with what is followed of it."""

    run: KeptRun
    figures: tuple[Figure, ...]
    document: Document


class History(Protocol):
    """What a place of kept runs owes.

    A run is there whole or not at all, whatever ends the writer. Several processes may keep runs at once, and read
    meanwhile. A run that is there already, by its digest, is not kept twice.
    """

    def keep(self, entry: Entry) -> bool:
        """Keep a run; False where it was there already.

        Raises:
            UsageProblem: the place cannot be written to.
            ToolError: the disk is full, or somebody else holds the place too long.
        """

    def runs(self) -> list[KeptRun]:
        """All of them, the oldest first."""

    def figures(self) -> list[tuple[KeptRun, Figure]]:
        """Of all runs, the oldest first."""

    def document(self, run: KeptRun) -> Document:
        """A run as it was written."""


def open_history(place: Path, *, to_write: bool = False) -> History:
    """The history at `place`: a folder where it is one or has no suffix, else a file of SQLite.

    Args:
        place: of the file or folder.
        to_write: make it where it is not there.

    Raises:
        UsageProblem: it is not there, is of a newer version, or is something else.
    """
    from exporter.history.database import Database
    from exporter.history.folder import Folder

    if not to_write and not place.exists():
        raise UsageProblem(
            f"{place}: there is no history there. Keep runs in it with `run --history {place}`, or `history add`."
        )
    is_folder = place.is_dir() or (not place.exists() and not place.suffix)
    return Folder(place, to_write=to_write) if is_folder else Database(place, to_write=to_write)


def in_time(runs: Sequence[KeptRun]) -> list[KeptRun]:
    """The oldest first; of two that began at once, always the same one."""
    return sorted(runs, key=lambda run: (run.taken_at, run.digest))
