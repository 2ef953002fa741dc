"""Stand-ins for what a profiling session is given: a device, a runner, a probe, a clock and a meter."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from device_harness.facts import ClockOffset, DeviceInfo
from device_harness.protocol import Capabilities, Device
from device_harness.runners.bench_document import BenchDocument
from device_harness.runners.runner import RunRequest
from profilers.conditions.conditions import Conditions
from profilers.meters.meter import Energy, Phases


class PassingClock:
    """A clock on which waiting takes no time."""

    def __init__(self, start: float = 0.0) -> None:
        self.time = start
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def utc(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


class FakeDevice:
    """A device that can only what it is given."""

    def __init__(self, can: Capabilities | None = None, **facts: Any) -> None:
        self.facts = {"serial": "UDID", "kind": "ios", "connection": "usb", **facts}
        self.serial = str(self.facts["serial"])
        self.workspace = "work"
        self.can = can or Capabilities()

    def info(self) -> DeviceInfo:
        return DeviceInfo(**self.facts)

    def clock_offset(self) -> ClockOffset:
        return ClockOffset(offset_s=0.0, uncertainty_s=0.0)


class PreparedRunner:
    """Answers with prepared documents, the last of them again and again; `requests` are what it was asked."""

    name = "prepared"

    def __init__(self, documents: Iterable[BenchDocument], clock: PassingClock | None = None, run_s: float = 0) -> None:
        self._documents = iter(documents)
        self._last: BenchDocument | None = None
        self._clock, self._run_s = clock, run_s
        self.requests: list[RunRequest] = []
        self.placed: list[str] = []

    def prepare(self, device: Device) -> None:
        del device

    def place(self, device: Device, model: Path, name: str) -> str:
        del device, model
        self.placed.append(name)
        return name

    def run(self, device: Device, request: RunRequest) -> BenchDocument:
        del device
        self.requests.append(request)
        self._last = next(self._documents, self._last)
        assert self._last is not None
        if self._clock is None:
            return self._last
        start = self._clock.time
        self._clock.time += self._run_s
        times = {"measure_start_s": start, "measure_end_s": self._clock.time}
        return self._last.model_copy(update={"clock": self._last.clock.model_copy(update=times)})


class LookingProbe:
    """Gives the conditions that it is told, the last ones again and again."""

    def __init__(self, *conditions: Conditions) -> None:
        self._conditions = itertools.chain(conditions, itertools.repeat(conditions[-1] if conditions else Conditions()))
        self.looks = 0

    def look(self) -> Conditions:
        self.looks += 1
        return next(self._conditions)


@dataclass
class FixedMeter:
    """Gives the same joules, whatever is done."""

    joules: Sequence[float] = (1.0, 1.0)
    name: str = "fixed"
    of_battery: bool = False
    phases: list[Phases] = field(default_factory=list)

    def measure(self, phases: Phases) -> Energy:
        self.phases.append(phases)
        return Energy(tuple(self.joules))
