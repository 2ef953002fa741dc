"""ProfileChange: readings of one device against an earlier profile, or against those of another model."""

from exporter.data.base import Frozen
from profilers.comparison import ReadingChange


class ProfileChange(Frozen):
    """One device: what became of each metric, or why nothing is compared.

    Attributes:
        device: its serial.
        baseline: file that the other is held against, where both took turns; empty for an earlier profile.
        candidate: the other file.
        against: what the earlier readings are of.
        changes: one a metric.
        reason: why nothing is compared.
    """

    device: str
    baseline: str = ""
    candidate: str = ""
    against: str = "the earlier profile"
    changes: tuple[ReadingChange, ...] = ()
    reason: str | None = None

    @property
    def title(self) -> str:
        """What is held against what."""
        if not self.baseline:
            return f"{self.device} against {self.against}"
        return f"{self.device}: {self.candidate} against {self.baseline}, in turns"
