"""Reading: one quantity that was measured, estimated, or could not be had."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from device_harness.frozen import Frozen


class Obtained(StrEnum):
    """How a reading came about."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    UNAVAILABLE = "unavailable"


class Reading(Frozen):
    """Raw samples of one quantity, never summarized away.

    Attributes:
        metric: dotted name, for example ``latency``, ``cpu_time``, ``memory.peak`` or ``energy.inference``.
        unit: SI unit of every sample: ``s``, ``B``, ``J``, ``W``, ``K``, ``Hz`` or ``1``.
        samples: every sample in the order taken; empty exactly when the reading is unavailable.
        warmup_samples: samples of the warm-up phase, kept apart.
        groups: number of samples of each process (or repeat), in order; empty when all are of one.
        turns: number of samples of each turn, in order, where processes took turns; else empty.
        source: the tool or file that the samples came from, for example ``LiteRT 2.1.0 in process``.
        sampling_interval_s: time between two samples of a polled quantity; None for one sample an event.
        device: the device's serial or ``this machine``.
        environment: where the model ran; readings of different environments are never compared.
        obtained: measured, estimated or unavailable.
        reason: why it is estimated or unavailable; None for a measured one.
        taken_at: when the first sample was taken, with time zone.
        conditions: facts that must be equal for two readings to be comparable (threads, accelerator, quick).
    """

    metric: str
    unit: str
    samples: tuple[float, ...] = ()
    warmup_samples: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()
    turns: tuple[int, ...] = ()
    source: str
    sampling_interval_s: float | None = None
    device: str
    environment: str = "device"
    obtained: Obtained
    reason: str | None = None
    taken_at: datetime
    conditions: dict[str, str] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        available = self.obtained is not Obtained.UNAVAILABLE
        if available != bool(self.samples):
            raise ValueError(f"a reading that is {self.obtained} must have {'some' if available else 'no'} samples")
        if (self.obtained is Obtained.MEASURED) != (self.reason is None):
            raise ValueError("a reason belongs to estimated and unavailable readings, and only to them")
        if self.groups and (sum(self.groups) != len(self.samples) or min(self.groups) < 1):
            raise ValueError(f"groups {list(self.groups)} do not add up to {len(self.samples)} samples")
        if self.turns and (sum(self.turns) != len(self.samples) or min(self.turns) < 1):
            raise ValueError(f"turns {list(self.turns)} do not add up to {len(self.samples)} samples")
        return self


class OpTime(Frozen):
    """One operator of one run.

    Attributes:
        type: node type; may hold spaces and commas.
        name: tensor names and position.
        mean_s: average time.
        first_s: time in the first run; None where that is not told.
        share: of the whole, in [0, 1]; with delegates, inner ops are counted twice and shares exceed 1 together.
        calls: times called in one run.
    """

    type: str
    name: str
    mean_s: float
    first_s: float | None = None
    share: float
    calls: int


class CoreGroup(Frozen):
    """CPUs of one kind.

    Attributes:
        name: ``little``, ``middle`` or ``big``, by rank among the device's kinds; ``all`` where they are alike, or the
            kernel tells no difference.
        cpus: their numbers.
        capacity: of each, of 1024 for the device's strongest, as its kernel rates them; None where it does not.
        max_hz: the highest frequency of each; None where it is not told.
    """

    name: str
    cpus: tuple[int, ...]
    capacity: int | None = None
    max_hz: float | None = None


def unavailable(metric: str, unit: str, reason: str, *, source: str, device: str, **facts: Any) -> Reading:
    """A reading that could not be had, with the reason."""
    return Reading(
        metric=metric,
        unit=unit,
        source=source,
        device=device,
        obtained=Obtained.UNAVAILABLE,
        reason=reason,
        taken_at=datetime.now(UTC),
        **facts,
    )
