"""The one session: order, rejection, cool-down, warnings; and what its stages find in runs of their own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from device_harness.errors import CommandFailedError, DeviceError
from device_harness.protocol import Capabilities
from device_harness.runners.bench_document import Battery, BenchDocument, ThermalState
from profilers.bench import Bench, Stage
from profilers.conditions.conditions import Conditions
from profilers.meters import battery_stream, powermetrics
from profilers.meters.energy import EnergyTrace
from profilers.meters.meter import Meter, MeterModule, NoMeterError, Setting
from profilers.meters.timeline import HostTimeline
from profilers.meters.traced import TracedMeter, Watched
from profilers.parse.android.thermal import ThermalState as AndroidThermal
from profilers.parse.apple.powermetrics import PowerSample
from profilers.parse.apple.xctrace_toc import parse_toc
from profilers.plan import ProfilePlan
from profilers.readers.coreml import CoremlReader
from profilers.readers.documents import DocumentReader
from profilers.readings import Obtained, Reading
from profilers.result import ProfileResult
from profilers.session import MOST_REJECTED, profile_models
from profilers.stages.energy import EnergyStage
from profilers.stages.instruments import Instruments, InstrumentsStage
from profilers.stages.sustained import sustained
from tests.fakes.session import FakeDevice, FixedMeter, LookingProbe, PassingClock, PreparedRunner
from tests.profilers.apple.test_placement import EXPORT, ROWS, SAMPLE

PLAN = ProfilePlan.desk_check(processes=2)
HOT = SAMPLE.model_copy(update={"thermal": (ThermalState(at_s=1, state=0), ThermalState(at_s=2, state=2))})
WARM = SAMPLE.model_copy(update={"thermal": (ThermalState(at_s=1, state=1),)})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "m.mlmodel").write_bytes(b"x")
    return tmp_path / "m.mlmodel"


class Session:
    """A session with stand-ins; `run` gives its result."""

    def __init__(
        self, *documents: BenchDocument, device: FakeDevice | None = None, stages: Sequence[Stage] = ()
    ) -> None:
        self.clock = PassingClock()
        self.runner = PreparedRunner(documents or (SAMPLE,), self.clock, run_s=1.0)
        self.device = device or FakeDevice()
        self.probe = LookingProbe()
        self.bench = Bench(self.runner, CoremlReader("cpu_and_ne"), tuple(stages))

    def run(self, model: Path, plan: ProfilePlan = PLAN) -> ProfileResult:
        (result,) = profile_models(self.device, [model], plan, self.bench, probe=self.probe, clock=self.clock)  # type: ignore[arg-type]
        return result

    def readings(self, model: Path, plan: ProfilePlan = PLAN) -> dict[str, Reading]:
        return {reading.metric: reading for reading in self.run(model, plan).readings}


def test_each_process_is_a_group(model: Path) -> None:
    session = Session()
    found = session.readings(model)
    assert found["latency"].groups == (3, 3)
    assert found["placement.neural_engine"].samples == (0.96875, 0.96875)
    assert len(session.runner.requests) == 2


def test_a_model_given_twice_is_placed_once(model: Path) -> None:
    session = Session()
    results = profile_models(session.device, [model, model], PLAN, session.bench, probe=session.probe,  # type: ignore[arg-type]
                             clock=session.clock)  # fmt: skip
    assert (len(results), len(session.runner.placed)) == (1, 1)


def test_models_take_turns_in_random_order(tmp_path: Path) -> None:
    """What changes in the course of a session falls on every model alike; the seed gives the same order again."""
    models = [tmp_path / f"{number}.mlmodel" for number in range(4)]
    for path in models:
        path.write_bytes(path.name.encode())
    orders = []
    for _ in range(2):
        session = Session()
        profile_models(session.device, models, PLAN.model_copy(update={"processes": 3}), session.bench,  # type: ignore[arg-type]
                       probe=session.probe, clock=session.clock)  # fmt: skip
        names = [request.model for request in session.runner.requests]
        rounds = [names[start : start + 4] for start in range(0, 12, 4)]
        assert all(sorted(one) == sorted(rounds[0]) for one in rounds)
        assert len({tuple(one) for one in rounds}) > 1
        orders.append(names)
    assert orders[0] == orders[1]


def test_hot_runs_are_rejected_and_repeated(model: Path) -> None:
    """A serious thermal state spoils a run, a fair one does not; rejections are told."""
    session = Session(HOT, WARM)
    result = session.run(model)
    assert len(session.runner.requests) == 3
    assert result.rejected == ("process 1: the system reported thermal state 2 of 3 (serious is 2)",)
    with pytest.raises(DeviceError, match="throttles again and again"):
        Session(HOT).run(model)


def test_runs_while_the_device_says_that_it_throttles_are_rejected(model: Path) -> None:
    """By the looks before and after, whatever the runner saw."""
    cool, hot = (Conditions(thermal=AndroidThermal(status=status, sensors=())) for status in (0, 2))
    session = Session()
    session.probe = LookingProbe(cool, cool, hot, cool)
    assert session.run(model).rejected == ("process 1: the thermal status rose from 0 to 2",)
    session = Session()
    session.probe = LookingProbe(cool, *[cool, hot] * (MOST_REJECTED + 1))
    with pytest.raises(DeviceError, match="throttles again and again"):
        session.run(model)


def test_it_cools_down_between_processes(model: Path) -> None:
    """Until the start temperature is back, or the limit is over, which is told."""
    warm, cool = (Conditions(zones_k={"zone": kelvins}) for kelvins in (330.0, 300.0))
    plan = PLAN.model_copy(update={"cool_down": True, "cool_down_limit_s": 60})
    session = Session()
    session.probe = LookingProbe(cool, cool, cool, warm, warm, cool)
    assert session.run(model, plan).warnings == ()
    assert session.clock.waits == [1.0, 1.0]
    session = Session()
    session.probe = LookingProbe(cool, warm)
    assert session.run(model, plan).warnings == ("it did not cool down to its start temperature within 60 s",)


def test_a_hot_device_without_a_thermometer_gets_the_whole_limit(model: Path) -> None:
    session = Session(HOT, SAMPLE)
    session.run(model, PLAN.model_copy(update={"cool_down": True, "cool_down_limit_s": 60}))
    assert [wait for wait in session.clock.waits if wait] == [60]


def test_charging_and_low_power_are_told(model: Path) -> None:
    states = (Battery(at_s=1, level=0.5, state="charging", low_power_mode=True),)
    assert len(Session(SAMPLE.model_copy(update={"battery": states})).run(model).warnings) == 2


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


def test_sustained_latency_is_the_end_of_a_long_run(model: Path) -> None:
    session = Session(stages=[sustained])
    assert "latency.sustained" not in session.readings(model)
    found = session.readings(model, PLAN.model_copy(update={"sustained_s": 5.0}))
    assert found["latency.sustained"].samples == SAMPLE.latencies_s[-1:]
    assert session.runner.requests[-1].min_s == 5.0


class Recorded:
    """A recording that succeeds."""

    recorded_as: str | None = "UDID"
    has_power_table = True

    def __init__(self, output: Path = Path(), **options: object) -> None:
        self.output = output
        self.options = options

    def begin(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def finish(self) -> Path:
        return self.output


class Broken(Recorded):
    """One that does not begin."""

    def begin(self) -> None:
        raise CommandFailedError("xctrace is not in the mood")


def test_instruments_record_in_a_run_apart(model: Path) -> None:
    """The recorded run is not among the measured ones; a recording that fails leaves the rest as it is."""
    device = FakeDevice(Capabilities(recording=Recorded()))
    broken = InstrumentsStage(Instruments(record=Broken))
    found = Session(device=device, stages=[broken]).readings(model)
    assert found["neural_engine.busy_time"].reason == "xctrace is not in the mood"
    assert len(found["latency"].groups) == 2
    simulator = FakeDevice(environment="simulator", kind="simulator")
    simulated = Session(device=simulator, stages=[broken]).readings(model)
    assert "no Neural Engine" in str(simulated["neural_engine.busy_time"].reason)


TIME_PROFILE = (
    '<trace-query-result><node><schema name="time-profile">'
    "<col><mnemonic>process</mnemonic><engineering-type>process</engineering-type></col>"
    "<col><mnemonic>weight</mnemonic><engineering-type>weight</engineering-type></col></schema>"
    '<row><process id="1" fmt="CoreMLBench (512)"/><weight id="2" fmt="1.00 ms">1000000</weight></row>'
    '<row><process ref="1"/><weight ref="2"/></row>'
    '<row><process id="3" fmt="other (1512)"/><weight ref="2"/></row></node></trace-query-result>'
)


def test_what_instruments_recorded(model: Path) -> None:
    """Tables that the trace has are exported and read; one that is not there, or cannot be read, spoils no other."""
    tables = {"ane-hw-intervals": EXPORT % ROWS, "time-profile": TIME_PROFILE, "SystemPowerLevel": "not XML"}

    def export(trace: Path, schema: str, output: Path, *, run: int) -> Path:
        del trace
        assert run == 4
        output.write_text(tables[schema])
        return output

    listed = "".join(f'<table schema="{schema}"/>' for schema in tables)
    toc = parse_toc(f'<trace-toc><run number="4"><data>{listed}</data></run></trace-toc>'.encode())
    device = FakeDevice(Capabilities(recording=Recorded()))

    def stage(runs: Any) -> InstrumentsStage:
        return InstrumentsStage(Instruments(record=Recorded, contents=lambda trace, folder: runs, export=export))

    found = Session(device=device, stages=[stage(toc)]).readings(model)
    assert found["neural_engine.busy_time"].samples == (0.0015, 0.0015)
    sampled = found["cpu_time.sampled"]
    assert (sampled.samples, sampled.obtained) == ((0.002,), Obtained.ESTIMATED)
    assert "not whole XML" in str(found["battery.discharge_rate"].reason)
    nothing = Session(device=device, stages=[stage(())]).readings(model)
    for metric in ("neural_engine.busy_time", "cpu_time.sampled", "battery.discharge_rate"):
        assert nothing[metric].obtained is Obtained.UNAVAILABLE
        assert "not recorded" in str(nothing[metric].reason)
