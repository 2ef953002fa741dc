"""What the commands about kept runs found; see `exporter.data.results.commands`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from exporter.data.base import Frozen
from exporter.data.facts.history import Better, KeptRun, Point, Trend
from exporter.data.results.commands import Unjudged
from exporter.data.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SCHEMA_VERSION = 1


class PointRow(Frozen):
    """A figure of a run, in a document.

    Attributes:
        run: digest of it.
        value: None where it is unavailable, with the reason.
        repeated: whether it is a reading of an earlier run, given again by the cache.
    """

    run: str
    value: float | None
    low: float | None = None
    high: float | None = None
    taken_at: datetime | None = None
    reason: str = ""
    repeated: bool = False


class ChangeRow(Frozen):
    """A change of level, in a document.

    Attributes:
        run: digest of the first run of the new level.
        previous: digest of the last one of the old level.
        commit: of the first, with ``+changes`` where files differed from it; None where it is not known.
        made_by: the commit that made it, in words, or what else is known.
        change: after over before less 1; of points and decibels after less before.
    """

    run: str
    previous: str
    commit: str | None
    made_by: str
    before: float
    after: float
    change: float
    worse: bool


class TrendRow(Frozen):
    """One figure through the runs, in a document."""

    model: str
    target: str
    place: str
    metric: str
    unit: str
    better: Better
    exact: bool
    conditions: dict[str, str]
    points: tuple[PointRow, ...]
    changes: tuple[ChangeRow, ...]
    note: str


class HistoryDocument(Frozen):
    """What `history show -f json` and `history gate -f json` write.

    Attributes:
        runs: the oldest first.
        verdicts: of the gate; empty where nothing was judged.
    """

    schema_version: int = SCHEMA_VERSION
    runs: tuple[KeptRun, ...]
    trends: tuple[TrendRow, ...]
    verdicts: tuple[Verdict, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True)
class HistoryResult(Unjudged):
    """Trends of kept runs.

    Attributes:
        place: where they are kept.
        runs: all that were looked at, the oldest first.
        trends: one a lane.
    """

    place: Path
    runs: tuple[KeptRun, ...]
    trends: tuple[Trend, ...]

    kind: ClassVar[str] = "history"
    schema_version: ClassVar[int] = SCHEMA_VERSION

    @property
    def title(self) -> str:
        """The place's name."""
        return f"History of {self.place.name}"

    def document(self) -> dict[str, Any]:
        """Runs, and trends that name them by their digests."""
        return _document(self.runs, self.trends)


@dataclass(frozen=True)
class GateResult:
    """The newest runs, held against those before.

    Attributes:
        newest: the runs that were judged.
    """

    place: Path
    runs: tuple[KeptRun, ...]
    trends: tuple[Trend, ...]
    newest: tuple[KeptRun, ...]
    verdicts: tuple[Verdict, ...]
    exit_code: int

    kind: ClassVar[str] = "gate"
    schema_version: ClassVar[int] = SCHEMA_VERSION

    @property
    def title(self) -> str:
        """What was judged."""
        commits = dict.fromkeys(run.words if run.revision is None else run.revision.words for run in self.newest)
        return f"{', '.join(commits)} against the runs before"

    def document(self) -> dict[str, Any]:
        """As that of trends, with the verdicts."""
        return _document(self.runs, self.trends, self.verdicts, self.exit_code)


@dataclass(frozen=True)
class KeptResult(Unjudged):
    """Runs of a history, with what became of those that were to be added.

    Attributes:
        rows: each run, and whether it was there already; None where runs are listed.
    """

    place: Path
    rows: tuple[tuple[KeptRun, bool | None], ...]

    kind: ClassVar[str] = "kept"

    @property
    def title(self) -> str:
        """The place's name."""
        return f"Runs in {self.place.name}"

    def document(self) -> dict[str, Any]:
        """One object a run."""
        return {"runs": [_kept(run, there) for run, there in self.rows]}


def _kept(run: KeptRun, there: bool | None) -> dict[str, Any]:
    return run.model_dump(mode="json") | ({} if there is None else {"was_there": there})


def _document(
    runs: Sequence[KeptRun], trends: Sequence[Trend], verdicts: Sequence[Verdict] = (), exit_code: int = 0
) -> dict[str, Any]:
    rows = tuple(map(_row, trends))
    found = HistoryDocument(runs=tuple(runs), trends=rows, verdicts=tuple(verdicts), exit_code=exit_code)
    return found.model_dump(mode="json", exclude={"schema_version"})


def _row(trend: Trend) -> TrendRow:
    points = tuple(_point(point) for point in trend.points)
    changes = tuple(
        ChangeRow(
            run=one.at.digest,
            previous=one.previous.digest,
            commit=one.at.revision.words if one.at.revision else None,
            made_by=one.made_by,
            **one.model_dump(include={"before", "after", "change", "worse"}),
        )
        for one in trend.changes
    )
    return TrendRow(**dict(trend.lane), points=points, changes=changes, note=trend.note)


def _point(point: Point) -> PointRow:
    found = point.figure.model_dump(exclude={"lane"})
    return PointRow(run=point.run.digest, repeated=point.repeated, **found)
