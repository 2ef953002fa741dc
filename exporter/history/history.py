"""History: where runs are kept; a file of SQLite or a folder, which owe the same."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

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


def in_time(runs: Sequence[KeptRun]) -> list[KeptRun]:
    """The oldest first; of two that began at once, always the same one."""
    return sorted(runs, key=lambda run: (run.taken_at, run.digest))
