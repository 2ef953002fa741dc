"""Bench: a runner, how its runs become readings, and what is found out in runs of their own after them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from device_harness.facts import DeviceInfo
from device_harness.protocol import Device
from device_harness.runners.bench_document import Clock as RunClock
from device_harness.runners.runner import Runner, RunRequest
from profilers.clock import Clock
from profilers.curve import SustainedCurve
from profilers.parse.linux.sampler import Sample
from profilers.plan import ProfilePlan
from profilers.readings import OpTime, Reading
from profilers.result import OutputCheck

Run = TypeVar("Run")
Read = TypeVar("Read", contravariant=True)


class Taken(NamedTuple):
    """Where, when and how runs were taken, and what was sampled meanwhile."""

    info: DeviceInfo
    plan: ProfilePlan
    at: datetime
    samples: tuple[Sample, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What every reading says of its origin but its time."""
        device = "this machine" if self.info.serial == "local" else self.info.serial
        return {"device": device, "environment": self.info.environment}


class Load(NamedTuple):
    """The measured phase of a run: its inferences, and its times on the device's monotonic clock.

    Attributes:
        starts_s: when each inference began, on that clock; empty where the runner does not tell.
    """

    clock: RunClock
    inferences: int
    starts_s: tuple[float, ...] = ()


class Reader(Protocol[Read]):
    """Makes readings of the runs of one kind of runner."""

    def complaint(self, run: Read) -> str | None:
        """Why a run must not count, by what the runner itself saw (it was hot); None when it may."""
        ...

    def readings(self, runs: Sequence[Read], taken: Taken) -> tuple[Reading, ...]:
        """One reading a quantity, the processes as its groups; at least one."""
        ...

    def warnings(self, runs: Sequence[Read]) -> tuple[str, ...]:
        """What made the readings less representative, in sentences."""
        ...

    def load(self, run: Read) -> Load | None:
        """When a run measured; None where the runner does not tell."""
        ...

    def latencies(self, run: Read) -> Sequence[float]:
        """Of every measured inference in order, in seconds; empty where the runner gives no samples."""
        ...


class Findings(NamedTuple):
    """What a stage found."""

    readings: tuple[Reading, ...] = ()
    outputs: OutputCheck | None = None
    ops: tuple[OpTime, ...] = ()
    sustained: SustainedCurve | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work(Generic[Run]):
    """A model on an open device, ready for further runs.

    Attributes:
        path: of the model on this machine.
        remote: what the runner calls it.
        readings: of the measured runs; at least one.
    """

    device: Device
    info: DeviceInfo
    plan: ProfilePlan
    bench: "Bench[Run]"
    clock: Clock
    path: Path
    remote: str
    readings: tuple[Reading, ...]

    def request(self, **changes: Any) -> RunRequest:
        """One process of the plan, with changes."""
        return request_of(self.plan, self.remote)._replace(**changes)

    def run(self, **changes: Any) -> Run:
        """Run one such process."""
        return self.bench.runner.run(self.device, self.request(**changes))


class Stage(Protocol):
    """Finds something out in runs of its own, after the measured ones; what cannot be had is unavailable, no error."""

    def __call__(self, work: Work[Any]) -> Findings:
        """Do it."""
        ...


Together = Callable[[Device, Sequence[RunRequest]], list[Run]]
"""Runs one process of each model at the same time, in turns of some milliseconds."""


@dataclass(frozen=True)
class Bench(Generic[Run]):
    """What measures models on a device.

    Attributes:
        lit: whether the runner is an app on screen, so that this stays on.
        together: None where the runner's processes can only run one after the other.
    """

    runner: Runner[Run]
    reader: Reader[Run]
    stages: tuple[Stage, ...] = ()
    lit: bool = False
    together: Together[Run] | None = None


def request_of(plan: ProfilePlan, remote: str) -> RunRequest:
    """One process of `plan`."""
    return RunRequest(
        model=remote,
        warmup_runs=plan.warmup_runs,
        warmup_min_s=plan.warmup_min_s,
        runs=plan.runs,
        min_s=plan.min_s,
        limit_s=plan.limit_s,
        threads=plan.threads,
        accelerator=plan.accelerator,
        cpus=plan.cpus,
        seed=plan.seed,
        signature=plan.signature,
        shapes=plan.input_shapes,
    )
