"""ProfileChange: what became of the readings of one device since an earlier profile."""

from exporter.data.base import Frozen
from profilers.comparison import ReadingChange


class ProfileChange(Frozen):
    """One device: what became of each metric, or why nothing is compared."""

    device: str
    changes: tuple[ReadingChange, ...] = ()
    reason: str | None = None
