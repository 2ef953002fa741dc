"""Energy in runs of its own: which meter is taken, what is above idle, and why there is none."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from device_harness.errors import CommandFailedError, DeviceError
from device_harness.protocol import Capabilities
from device_harness.runners.bench_document import BenchDocument
from profilers.bench import Bench
from profilers.meters import battery_stream, powermetrics
from profilers.meters.energy import EnergyTrace
from profilers.meters.meter import Meter, MeterModule, NoMeterError, Setting
from profilers.meters.timeline import HostTimeline
from profilers.meters.traced import TracedMeter, Watched
from profilers.parse.apple.powermetrics import PowerSample
from profilers.readers.documents import DocumentReader
from profilers.readings import Obtained, Reading
from profilers.session import profile_models
from profilers.stages.energy import EnergyStage
from tests.fakes.session import FakeDevice, FixedMeter, LookingProbe, PassingClock, PreparedRunner
from tests.profilers.apple.test_placement import SAMPLE
from tests.profilers.sessions import PLAN, Session


@pytest.mark.parametrize(
    ("facts", "repeats", "words"),
    [
        ({"environment": "simulator", "kind": "simulator"}, 3, "no energy of its own"),
        ({}, 0, "energy_repeats"),
        ({}, 1, "energy_repeats"),
        ({"connection": "usb"}, 3, "Wi-Fi"),
        ({"connection": None}, 3, "Wi-Fi"),
    ],
)
def test_energy_that_cannot_be_had(facts: dict[str, Any], repeats: int, words: str, model: Path) -> None:
    device = FakeDevice(Capabilities(current=Stream()), **facts)
    energy = Session(device=device, stages=[EnergyStage()]).readings(
        model, PLAN.model_copy(update={"energy_repeats": repeats})
    )["energy.inference"]
    assert energy.obtained is Obtained.UNAVAILABLE
    assert words in str(energy.reason)


class Stream:
    """The battery of a phone."""

    def battery_command(self) -> list[str]:
        return ["no-such-program"]


class Standin:
    """A module of the table of meters."""

    def __init__(self, meter: Meter | None, reason: str = "") -> None:
        self._meter, self._reason = meter, reason

    def find(self, setting: Setting) -> Meter | None:
        del setting
        if self._reason:
            raise NoMeterError(self._reason)
        return self._meter


def energy_with(meters: Sequence[tuple[str, MeterModule]], model: Path, *, repeats: int = 2) -> Reading:
    session = Session(stages=[EnergyStage(meters)])
    plan = PLAN.model_copy(update={"energy_repeats": repeats, "processes": 1})
    return session.readings(model, plan)["energy.inference"]


def test_the_first_meter_that_is_there_is_taken(model: Path) -> None:
    """In the table's order; each better one that is not there is told where none is."""
    better = ("better", Standin(None, "it is broken"))
    found = energy_with([better, ("none of this kind", Standin(None)), ("fixed", Standin(FixedMeter()))], model)
    assert (found.samples, found.source, found.obtained) == ((1.0, 1.0), "fixed", Obtained.MEASURED)
    assert energy_with([better], model).reason == "better: it is broken"
    assert energy_with([], model).reason == "this kind of device has no meter"


def test_energy_is_what_is_above_idle(model: Path) -> None:
    """Idle, load, idle, load, idle: 2 W above idle for 60 s and 3 inferences are 40 J each; times are the plan's."""
    clock = PassingClock()
    loads: list[tuple[float, float]] = []

    @contextmanager
    def watch(seconds: float) -> Iterator[Watched]:
        del seconds
        yield trace

    def trace() -> EnergyTrace:
        joules, times = [0.0], [0.0]
        for second in range(1, 1000):
            under_load = any(start < second <= end for start, end in loads)
            times.append(float(second))
            joules.append(joules[-1] + (3.0 if under_load else 1.0))
        return EnergyTrace(tuple(times), tuple(joules))

    class Noting(PreparedRunner):
        def run(self, device: Any, request: Any) -> BenchDocument:
            document = super().run(device, request)
            if request.min_s == 60:
                loads.append((document.clock.measure_start_s, document.clock.measure_end_s))
            return document

    device = FakeDevice()
    meter = TracedMeter("rail", watch, lambda: HostTimeline(device, clock), estimate="by the maker")  # type: ignore[arg-type]
    bench = Bench(Noting([SAMPLE], clock, 60.0), DocumentReader(), (EnergyStage([("rail", Standin(meter))]),))
    plan = PLAN.model_copy(update={"energy_repeats": 2, "processes": 1, "idle_s": 50.0, "energy_s": 60.0})
    (result,) = profile_models(device, [model], plan, bench, probe=LookingProbe(), clock=clock)  # type: ignore[arg-type]
    energy = next(reading for reading in result.readings if reading.metric == "energy.inference")
    assert energy.samples == pytest.approx((40.0, 40.0))
    assert (energy.obtained, energy.reason) == (Obtained.ESTIMATED, "by the maker")
    assert clock.waits[-3:] == [60.0] * 3, "the idle window itself lasts as long as planned"


def test_powermetrics_is_apple_s_estimate() -> None:
    """Each rail's joules, on the clock at which sampling began."""
    samples = [PowerSample(1.0, {"cpu": 2.0, "gpu": 0.0, "ane": 1.0}, None)] * 3
    trace = powermetrics.rail_trace(samples, 10.0)
    assert (trace.times_s, trace.joules) == ((10, 11, 12, 13), (0, 3, 6, 9))


def test_a_meter_that_fails_is_told(model: Path) -> None:
    """What was read before is kept."""

    class Broken(FixedMeter):
        def measure(self, phases: Any) -> Any:
            raise CommandFailedError("UDID: unlock it")

    energy = energy_with([("broken", Standin(Broken()))], model)
    assert (energy.obtained, energy.reason) == (Obtained.UNAVAILABLE, "UDID: unlock it")


def test_a_lost_device_is_no_missing_meter(model: Path) -> None:
    """The profile fails: nothing else could be had of it either."""

    class Lost(FixedMeter):
        def measure(self, phases: Any) -> Any:
            raise DeviceError("the cable")

    with pytest.raises(DeviceError, match="the cable"):
        energy_with([("lost", Standin(Lost()))], model)


def test_a_phone_s_own_gauge_needs_its_program(model: Path) -> None:
    """By name in the table, with the program that is missing."""
    device = FakeDevice(Capabilities(current=Stream()), connection="network")
    session = Session(device=device, stages=[EnergyStage([("battery", battery_stream)])])
    energy = session.readings(model, PLAN.model_copy(update={"energy_repeats": 2}))["energy.inference"]
    assert "no-such-program is not installed" in str(energy.reason)
