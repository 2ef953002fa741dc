"""Two artifacts, packages or runs compared in bytes, as frozen data."""

from typing import Literal

from exporter.data.base import Frozen

Group = Literal["layer", "dtype", "file"]


class Change(Frozen):
    """Bytes of one layer, dtype or file before and after; 0 where it is not there."""

    name: str
    before: int
    after: int

    @property
    def bytes(self) -> int:
        """How many more there are."""
        return self.after - self.before


class FigureChange(Frozen):
    """One figure of two runs of a target: how well it does its task, or what a device read of it.

    Attributes:
        metric: in words, with what it is of: ``top-1 accuracy``, ``median latency``, ``peak memory``.
        where: the device, or the data.
        unit: ``s``, ``B``, ``J``, ``%`` of what lies in [0, 1] times 100, or what the metric has.
        change: after less before, in `unit`; where it is relative the ratio of the two less 1.
        low: lower end of the interval of `change`; infinite where it is not known.
        high: upper end of it.
        confidence: of the interval, in [0, 1].
        differs: whether the interval excludes that nothing changed; None where the two cannot be compared.
        reason: the finding, or why there is none, in words.
        relative: whether changes are told as a share: of what devices read.
        higher_is_better: which way is an improvement.
    """

    metric: str
    where: str
    unit: str
    before: float
    after: float
    change: float
    low: float
    high: float
    confidence: float
    differs: bool | None
    reason: str
    relative: bool = False
    higher_is_better: bool = False


class SizeDiff(Frozen):
    """Two subjects compared.

    Attributes:
        before: name of the first.
        after: name of the second.
        size: sums of their files.
        download: their downloads; None where one is unavailable.
        groups: changes by layer, dtype and file, the largest first; a group that could not be had is not there.
        notes: why a group is not there.
        figures: of two runs, what both measured of accuracy, latency, memory and energy.
    """

    before: str
    after: str
    size: Change
    download: Change | None
    groups: dict[Group, tuple[Change, ...]]
    notes: tuple[str, ...] = ()
    figures: tuple[FigureChange, ...] = ()
