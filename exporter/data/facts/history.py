"""What is kept of runs, and how one figure went from run to run, as frozen data."""

from datetime import datetime
from typing import Literal

from exporter.data.base import Frozen
from exporter.data.facts.revision import Revision

Better = Literal["lower", "higher"]
KeptKind = Literal["run", "profile"]
UNKNOWN = "an unknown commit"
_PLAIN = {"quick": "false", "accelerator": "cpu", "ran_on": "cpu", "threads": "1"}


class KeptRun(Frozen):
    """One run, or one profile, that is kept.

    Attributes:
        digest: SHA-256 of its document, whatever its spaces and the order of its keys are.
        kind: of the document.
        model: what its figures are of: the MODEL argument, or the name that the user gives.
        taken_at: when the run began, in UTC.
        revision: what it was made from; None where that is not known.
    """

    digest: str
    kind: KeptKind
    model: str
    taken_at: datetime
    revision: Revision | None = None

    @property
    def words(self) -> str:
        """Commit and time."""
        commit = self.revision.words if self.revision else UNKNOWN
        return f"{commit} of {self.taken_at:%Y-%m-%d %H:%M} UTC"


class Lane(Frozen):
    """What one figure is of; figures of one lane can be compared from run to run.

    Attributes:
        model: as `KeptRun` has it; empty as long as a figure is in no kept run.
        target: its name, or the file's where a profile knows no target.
        place: the device, the data that accuracy was measured on, or empty for a file's bytes.
        metric: ``size``, ``download``, ``top1``, a task's metric, or a reading such as ``latency``, whose median it is.
        unit: ``B``, ``s``, ``J``, ``%``, ...
        better: which way is an improvement.
        exact: whether the same file always gives the same figure, as its bytes do.
        conditions: what must be equal to be comparable: threads, accelerator, quick.
    """

    model: str = ""
    target: str
    place: str
    metric: str
    unit: str
    better: Better = "lower"
    exact: bool = False
    conditions: dict[str, str] = {}

    @property
    def subject(self) -> str:
        """Model, target, place, and the conditions that do not go without saying."""
        where = f" on {self.place}" if self.place else ""
        return f"{self.model}, {self.target}{where}{self.told}"

    @property
    def told(self) -> str:
        """Conditions that do not go without saying, in brackets; empty where all do."""
        told = [f"{key} {value}" for key, value in sorted(self.conditions.items()) if _PLAIN.get(key) != value]
        return f" ({', '.join(told)})" if told else ""

    @property
    def relative(self) -> bool:
        """Whether changes are told as a share of what was; accuracies change by points, ratios in decibels by dB."""
        return self.unit not in ("%", "dB")


class Figure(Frozen):
    """One figure of one run.

    Attributes:
        value: None where it is unavailable.
        low: lower end of its 95 % interval within the run; None where there is none.
        high: upper end of it.
        taken_at: when a reading was taken, which is before the run where it came from the cache.
        reason: why it is unavailable; empty where it is not.
    """

    lane: Lane
    value: float | None
    low: float | None = None
    high: float | None = None
    taken_at: datetime | None = None
    reason: str = ""


class Point(Frozen):
    """A figure in its run.

    Attributes:
        repeated: whether it is a reading that an earlier run took already, which says nothing new of the noise.
    """

    run: KeptRun
    figure: Figure
    repeated: bool = False


class LevelChange(Frozen):
    """Where a figure went from one level to another.

    Attributes:
        at: the first run of the new level.
        previous: the last one of the old level.
        before: median of the old level.
        after: median of the new one.
        change: after over before less 1; of points and decibels after less before.
        worse: whether that is a loss.
    """

    at: KeptRun
    previous: KeptRun
    before: float
    after: float
    change: float
    worse: bool

    @property
    def made_by(self) -> str:
        """The commit that made it, or why none did, as far as that is known."""
        old, new = self.previous.revision, self.at.revision
        if new is None:
            return f"by an unknown commit, in the run of {self.at.taken_at:%Y-%m-%d %H:%M} UTC"
        if old == new:
            return (
                f"between two runs of commit {new.words}: not by the code, but by the machine, its system or the tools"
            )
        return f"by commit {new.words} (the run before it: {old.words if old else UNKNOWN})"


class Trend(Frozen):
    """One lane through all kept runs, the oldest first.

    Attributes:
        points: one a run that knows the lane, the unavailable ones with their reasons.
        changes: the oldest first; empty where the level never changed, or where they were not looked for.
        note: why changes were not looked for; empty where they were.
    """

    lane: Lane
    points: tuple[Point, ...]
    changes: tuple[LevelChange, ...] = ()
    note: str = ""

    @property
    def known(self) -> tuple[Point, ...]:
        """Points with a value that says something new."""
        return tuple(point for point in self.points if point.figure.value is not None and not point.repeated)
