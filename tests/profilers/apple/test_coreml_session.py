"""A plan with Core ML models: hot runs rejected, charging told, energy by the meter that the device has."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device_harness.bench_document import Battery, BenchDocument, ThermalState
from device_harness.errors import CommandFailedError, DeviceError
from device_harness.facts import ClockOffset, DeviceInfo
from profilers.parse.apple.powermetrics import PowerSample
from profilers.parse.apple.xctrace_toc import parse_toc
from profilers.plan import ProfilePlan
from profilers.readers import coreml as coreml_session
from profilers.readers.coreml import CoremlRun, profile_coreml
from profilers.readings import Obtained, Reading
from profilers.stages import instruments as apple_recording
from tests.profilers.apple.test_placement import EXPORT, ROWS, SAMPLE

PLAN = ProfilePlan.desk_check(processes=2)
RUN = CoremlRun("cpu_and_ne")


class Phone:
    """A device whose runner answers with prepared documents."""

    def __init__(self, *documents: BenchDocument, **facts: Any) -> None:
        self.serial = "UDID"
        self.documents: Iterator[BenchDocument] = itertools.chain(documents, itertools.repeat(SAMPLE))
        self.facts = {"kind": "ios", "connection": "usb", **facts}

    def info(self) -> DeviceInfo:
        return DeviceInfo(serial=self.serial, **self.facts)

    def clock_offset(self) -> ClockOffset:
        return ClockOffset(offset_s=0.0, uncertainty_s=0.0)


@pytest.fixture(autouse=True)
def runner(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Plans that were run, in order."""
    plans: list[Any] = []

    def run(device: Any, model: str, plan: Any, *, tool: str | None) -> BenchDocument:
        del model, tool
        plans.append(plan)
        return next(device.documents)

    monkeypatch.setattr(coreml_session, "push_model", lambda device, model: model.name)
    monkeypatch.setattr(coreml_session, "tree_digest", lambda model: "0" * 64)
    monkeypatch.setattr(coreml_session, "run_plan", run)
    return plans


def readings(phone: Phone, plan: ProfilePlan = PLAN, run: CoremlRun = RUN) -> dict[str, Reading]:
    (result,) = profile_coreml(phone, [Path("m.mlpackage")], plan, run)  # type: ignore[arg-type]
    return {reading.metric: reading for reading in result.readings}


HOT = SAMPLE.model_copy(update={"thermal": (ThermalState(at_s=1, state=0), ThermalState(at_s=2, state=2))})
WARM = SAMPLE.model_copy(update={"thermal": (ThermalState(at_s=1, state=1),)})


def test_each_process_is_a_group(runner: list[Any]) -> None:
    found = readings(Phone())
    assert found["latency"].groups == (3, 3)
    assert found["placement.neural_engine"].samples == (0.96875, 0.96875)
    assert len(runner) == 2
    assert runner[0].settings.accelerator == "cpu_and_ne"


def test_hot_runs_are_rejected_and_repeated(runner: list[Any]) -> None:
    """A serious thermal state spoils a run, a fair one does not; rejections are told."""
    (result,) = profile_coreml(Phone(HOT, WARM), [Path("m.mlpackage")], PLAN, RUN)  # type: ignore[arg-type]
    assert len(runner) == 3
    assert len(result.rejected) == 1
    assert "thermal state 2" in result.rejected[0]
    with pytest.raises(DeviceError, match="throttles again and again"):
        readings(Phone(*[HOT] * 9))


def test_charging_and_low_power_are_told() -> None:
    states = (Battery(at_s=1, level=0.5, state="charging", low_power_mode=True),)
    document = SAMPLE.model_copy(update={"battery": states})
    (result,) = profile_coreml(Phone(document), [Path("m.mlpackage")], PLAN, RUN)  # type: ignore[arg-type]
    assert len(result.warnings) == 2


@pytest.mark.parametrize(
    ("facts", "repeats", "words"),
    [
        ({"environment": "simulator", "kind": "simulator"}, 3, "no energy of its own"),
        ({}, 0, "energy_repeats"),
        ({"connection": "usb"}, 3, "Wi-Fi"),
        ({"connection": None}, 3, "Wi-Fi"),
    ],
)
def test_energy_that_cannot_be_had(facts: dict[str, Any], repeats: int, words: str) -> None:
    plan = PLAN.model_copy(update={"energy_repeats": repeats})
    energy = readings(Phone(**facts), plan)["energy.inference"]
    assert energy.obtained is Obtained.UNAVAILABLE
    assert words in str(energy.reason)


def test_energy_of_a_mac(monkeypatch: pytest.MonkeyPatch, runner: list[Any]) -> None:
    """Idle, load, idle, load, idle under powermetrics: 2 W above idle for 60 s and 3 inferences are 40 J each."""
    clock = itertools.count(0.0, 60.0)
    monkeypatch.setattr(coreml_session, "_idle", lambda seconds: (next(clock), next(clock)))

    class Meter:
        def __init__(self, output: Path, *, seconds: float) -> None:
            self.seconds = seconds

        def __enter__(self) -> "Meter":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def samples(self) -> list[PowerSample]:
            watts = [3.0 if (second // 60) % 2 else 1.0 for second in range(400)]
            return [PowerSample(1.0, {"cpu": power, "gpu": 0.0, "ane": 0.0}, None) for power in watts]

    def loaded(start: float) -> BenchDocument:
        times = {"measure_start_s": start, "measure_end_s": start + 60}
        return SAMPLE.model_copy(update={"clock": SAMPLE.clock.model_copy(update=times)})

    monkeypatch.setattr(coreml_session, "Powermetrics", Meter)
    monkeypatch.setattr(coreml_session.time, "monotonic", lambda: 0.0)
    plan = PLAN.model_copy(update={"energy_repeats": 2, "processes": 1})
    energy = readings(Phone(SAMPLE, loaded(60), loaded(180), kind="mac"), plan)["energy.inference"]
    assert energy.samples == pytest.approx((40.0, 40.0))
    assert energy.obtained is Obtained.ESTIMATED
    assert [one.settings.min_s for one in runner[1:]] == [plan.energy_s] * 2


def test_a_meter_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Meter:
        def __init__(self, udid: str) -> None:
            raise CommandFailedError(f"{udid}: unlock it")

    monkeypatch.setattr(coreml_session, "BatteryMonitor", Meter)
    plan = PLAN.model_copy(update={"energy_repeats": 2})
    energy = readings(Phone(connection="network"), plan)["energy.inference"]
    assert energy.reason == "UDID: unlock it"


def test_instruments_record_in_a_run_apart(monkeypatch: pytest.MonkeyPatch, runner: list[Any], tmp_path: Path) -> None:
    """The recorded run is not among the measured ones; a recording that fails leaves the rest as it is."""

    class Broken:
        def __init__(self, *arguments: object, **options: object) -> None:
            pass

        def begin(self) -> None:
            raise CommandFailedError("xctrace is not in the mood")

    monkeypatch.setattr(apple_recording, "Recording", Broken)
    found = readings(Phone(), run=CoremlRun("cpu_and_ne", instruments=True))
    assert found["neural_engine.busy_time"].reason == "xctrace is not in the mood"
    assert len(found["latency"].groups) == 2
    simulated = readings(Phone(environment="simulator", kind="simulator"), run=CoremlRun("all", instruments=True))
    assert "no Neural Engine" in str(simulated["neural_engine.busy_time"].reason)


class Working:
    """A recording that succeeds."""

    def __init__(self, output: Path, **options: object) -> None:
        self.output = output
        self.options = options

    def begin(self) -> None:
        pass

    def __enter__(self) -> "Working":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def finish(self) -> Path:
        return self.output


TIME_PROFILE = (
    '<trace-query-result><node><schema name="time-profile">'
    "<col><mnemonic>process</mnemonic><engineering-type>process</engineering-type></col>"
    "<col><mnemonic>weight</mnemonic><engineering-type>weight</engineering-type></col></schema>"
    '<row><process id="1" fmt="CoreMLBench (512)"/><weight id="2" fmt="1.00 ms">1000000</weight></row>'
    '<row><process ref="1"/><weight ref="2"/></row>'
    '<row><process id="3" fmt="other (1512)"/><weight ref="2"/></row></node></trace-query-result>'
)


def test_what_instruments_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables that the trace has are exported and read; one that is not there, or cannot be read, spoils no other."""
    tables = {"ane-hw-intervals": EXPORT % ROWS, "time-profile": TIME_PROFILE, "SystemPowerLevel": "not XML"}

    def export(trace: Path, schema: str, output: Path, *, run: int) -> Path:
        assert run == 4
        output.write_text(tables[schema])
        return output

    listed = "".join(f'<table schema="{schema}"/>' for schema in tables)
    toc = parse_toc(f'<trace-toc><run number="4"><data>{listed}</data></run></trace-toc>'.encode())
    monkeypatch.setattr(apple_recording, "Recording", Working)
    monkeypatch.setattr(apple_recording, "contents", lambda trace, folder: toc)
    monkeypatch.setattr(apple_recording, "export_table", export)
    info = DeviceInfo(serial="UDID", kind="ios")
    busy, sampled, rate = apple_recording.instruments_readings(info, lambda: SAMPLE, seconds=5)
    assert busy.samples == (0.0015, 0.0015)
    assert (sampled.samples, sampled.obtained) == ((0.002,), Obtained.ESTIMATED)
    assert "not whole XML" in str(rate.reason)
    monkeypatch.setattr(apple_recording, "contents", lambda trace, folder: ())
    nothing = apple_recording.instruments_readings(info, lambda: SAMPLE, seconds=5)
    assert [reading.obtained for reading in nothing] == [Obtained.UNAVAILABLE] * 3
    assert all("not recorded" in str(reading.reason) for reading in nothing)
