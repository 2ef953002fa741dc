"""Energy of Apple systems: powermetrics' millijoules, a battery's current, Instruments' percent an hour."""

import json
import plistlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device_harness.errors import CommandFailedError, ToolMissingError, UnreadableOutputError
from profilers.meters.energy import LoadWindow
from profilers.meters.powermetrics import (
    Origin,
    Powermetrics,
    battery_trace,
    discharge_reading,
    energy_reading,
    no_energy,
    rail_trace,
    simulator_energy,
)
from profilers.parse.apple.powermetrics import PowerSample
from profilers.parse.apple.telemetry import BatterySample
from profilers.readings import Obtained
from profilers.watch.battery import BatteryMonitor, ProcessMonitor, process_readings
from tests.fakes.apple.stage import Stage

ORIGIN = Origin("mac", datetime(2026, 1, 1, tzinfo=UTC))
IDLE = ((0.0, 60.0), (120.0, 180.0), (240.0, 300.0))
LOADS = (LoadWindow(60.0, 120.0, 600), LoadWindow(180.0, 240.0, 600))


def rails(watts: float, interval: float = 0.5) -> PowerSample:
    return PowerSample(interval, {"cpu": watts * interval, "gpu": 0.0, "ane": 0.0}, "Nominal")


def alternating(idle: float, load: float) -> list[PowerSample]:
    return [rails(load if (second // 60) % 2 else idle) for second in range(300) for _ in range(2)]


def test_idle_power_is_subtracted() -> None:
    """3 W under load and 1 W idle for 60 s and 600 inferences: 0.2 J each; an estimate, because Apple says so."""
    reading = energy_reading(rail_trace(alternating(1, 3), 0.0), IDLE, LOADS, ORIGIN, source="powermetrics")
    assert reading.samples == pytest.approx((0.2, 0.2))
    assert (reading.obtained, reading.unit) == (Obtained.ESTIMATED, "J")


def test_the_interval_does_not_change_the_energy() -> None:
    """mJ of an interval taken for W would give half or a fifth of it."""
    samples = [rails(3 if (tenth // 600) % 2 else 1, 0.1) for tenth in range(3001)]
    reading = energy_reading(rail_trace(samples, 0.0), IDLE, LOADS, ORIGIN, source="powermetrics")
    assert reading.samples == pytest.approx((0.2, 0.2), rel=1e-3)


def test_what_gives_no_figure_is_unavailable() -> None:
    """Not above idle, a missing rail, a window that was not sampled."""
    flat = energy_reading(rail_trace(alternating(3, 3), 0.0), IDLE, LOADS, ORIGIN, source="powermetrics")
    assert flat.obtained is Obtained.UNAVAILABLE
    assert "not above the idle power" in str(flat.reason)
    short = energy_reading(rail_trace(alternating(1, 3)[:400], 0.0), IDLE, LOADS, ORIGIN, source="powermetrics")
    assert "do not cover" in str(short.reason)
    with pytest.raises(ValueError, match="no figure for one of"):
        rail_trace([PowerSample(1.0, {"cpu": 1.0}, None)], 0.0)


def battery(watts: float, charging: bool | None = False) -> BatterySample:
    return BatterySample(watts / 4, 4.0, 300.0, charging, 0.6)


def test_a_battery_gauge_needs_a_minute() -> None:
    """Measured over whole minutes; a gauge read once a second says nothing of seconds."""
    seconds = list(range(301))
    trace = battery_trace([battery(3 if (second // 60) % 2 else 1) for second in seconds], seconds)
    reading = energy_reading(trace, IDLE, LOADS, ORIGIN, source="battery current over Wi-Fi")
    assert reading.obtained is Obtained.MEASURED
    assert reading.samples == pytest.approx((0.2, 0.2), rel=0.05)
    brief = energy_reading(trace, [(0, 5), (10, 15), (20, 25)], [LoadWindow(5, 10, 9), LoadWindow(15, 20, 9)], ORIGIN,
                           source="battery current over Wi-Fi")  # fmt: skip
    assert "needs 60 s" in str(brief.reason)


@pytest.mark.parametrize("charging", [True, None])
def test_no_energy_while_charging(charging: bool | None) -> None:
    """A cable makes the battery's current meaningless; a phone that does not say is not taken to be unplugged."""
    with pytest.raises(ValueError, match="without a cable"):
        battery_trace([battery(1), battery(1, charging)], [0, 1])


def test_a_simulator_has_no_energy() -> None:
    reading = simulator_energy(Origin("SIM", ORIGIN.taken_at, "simulator"))
    assert (reading.obtained, reading.environment) == (Obtained.UNAVAILABLE, "simulator")


def powermetrics_step(**answer: object) -> dict[str, object]:
    arguments = ["-n", "powermetrics", "--samplers", "cpu_power,gpu_power,ane_power,thermal", "-i", "200", "-n", "5",
                 "-f", "plist", "-o", "*"]  # fmt: skip
    return {"tool": "sudo", "args": arguments, **answer}


def test_powermetrics_is_asked_and_read(stage: Stage, tmp_path: Path) -> None:
    """Property lists separated by NUL bytes, the last one cut off: four samples."""
    samples = [plistlib.dumps({"elapsed_ns": 200_000_000, "processor": {"cpu_energy": 100, "gpu_energy": 0,
                               "ane_energy": 20}}) for _ in range(5)]  # fmt: skip
    (stage.folder / "power").write_bytes(b"\0".join(samples)[:-30])
    stage.script(powermetrics_step(file="power"))
    with Powermetrics(tmp_path / "out", seconds=1) as meter:
        found = meter.samples()
    assert [sample.soc_joules for sample in found] == pytest.approx([0.12] * 4)


def test_powermetrics_without_the_administrator(stage: Stage, tmp_path: Path) -> None:
    """It never waits for a password; the reading is unavailable and says what to do."""
    stage.script(powermetrics_step(rc=1, stderr="sudo: a password is required\n"))
    with Powermetrics(tmp_path / "out", seconds=1) as meter, pytest.raises(CommandFailedError) as caught:
        meter.samples()
    reading = no_energy(str(caught.value), ORIGIN, "powermetrics")
    assert "sudo -v" in str(reading.reason)


def test_powermetrics_that_writes_nothing(stage: Stage, tmp_path: Path) -> None:
    stage.script(powermetrics_step())
    with Powermetrics(tmp_path / "out", seconds=1) as meter, pytest.raises(UnreadableOutputError, match="no sample"):
        meter.samples()


def test_machines_without_powermetrics(stage: Stage, tmp_path: Path) -> None:
    (stage.folder / "bin/powermetrics").unlink()
    with pytest.raises(ToolMissingError, match="part of macOS"):
        Powermetrics(tmp_path / "out", seconds=1).__enter__()


POWER = (
    '<trace-query-result><node><schema name="SystemPowerLevel">'
    "<col><mnemonic>start</mnemonic><engineering-type>start-time</engineering-type></col>"
    "<col><mnemonic>duration</mnemonic><engineering-type>duration</engineering-type></col>"
    "<col><mnemonic>percent-per-hour</mnemonic><engineering-type>fixed-decimal</engineering-type></col></schema>%s"
    "</node></trace-query-result>"
)


def test_percent_an_hour_stays_that(tmp_path: Path) -> None:
    """It is no power: how much charge a percent is, is not told."""
    cells = '<start-time id="1">0</start-time><duration id="2">1</duration><fixed-decimal id="3">12.5</fixed-decimal>'
    row = f"<row>{cells}</row>"
    path = tmp_path / "power.xml"
    path.write_text(POWER % row)
    reading = discharge_reading(path, ORIGIN)
    assert (reading.samples, reading.unit) == ((12.5,), "%/h")
    path.write_text(POWER % "")
    assert "not recorded" in str(discharge_reading(path, ORIGIN).reason)
    path.write_text((POWER % row).replace("percent-per-hour", "CPU mW"))
    with pytest.raises(UnreadableOutputError, match="CPU mW"):
        discharge_reading(path, ORIGIN)


def test_a_process_is_polled(stage: Stage, tmp_path: Path) -> None:
    """Exactly this command; utilization, processor time and footprint of what it wrote."""
    lines = [{"pid": 7, "name": "x", "cpuUsage": 50.0 * i, "cpuTotalUser": i * 10**9, "cpuTotalSystem": 0,
              "physFootprint": 1000 * i} for i in (1, 2, 3)]  # fmt: skip
    (stage.folder / "lines").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"pid": 7, "cp')
    keys = [part for key in ("pid", "name", "cpuUsage", "cpuTotalUser", "cpuTotalSystem", "physFootprint")
            for part in ("--key", key)]  # fmt: skip
    output = tmp_path / "out.jsonl"
    stage.script({"tool": "pymobiledevice3", "file": "lines", "file_to": "--output", "args": [
        "developer", "dvt", "sysmon", "process", "monitor", "process", "--filter", "pid=7", *keys, "--choose", "first",
        "--interval", "500", "--duration", "2000", "--output", str(output), "--udid", "UDID-READY"]})  # fmt: skip
    with ProcessMonitor("UDID-READY", 7, output, seconds=2) as monitor:
        while not (found := monitor.samples()):
            pass
    usage, spent, peak = process_readings(found, device="UDID-READY", taken_at=ORIGIN.taken_at)
    assert usage.samples == (0.5, 1.0, 1.5)
    assert spent.samples == (1.0, 1.0)
    assert peak.samples == (3000.0,)
    for reading in process_readings((), device="UDID-READY", taken_at=ORIGIN.taken_at, told="device lost"):
        assert reading.obtained is Obtained.UNAVAILABLE
        assert "device lost" in str(reading.reason)


def test_the_battery_is_polled(stage: Stage) -> None:
    line = json.dumps({"InstantAmperage": -250, "Voltage": 4000, "IsCharging": False}) + "\n"
    stage.script({"tool": "pymobiledevice3", "args": ["diagnostics", "battery", "monitor", "--udid", "UDID-READY"],
                  "stdout": [line, line, line[:20]], "delay_s": 0.05, "hang": True})  # fmt: skip
    with BatteryMonitor("UDID-READY") as monitor:
        while len(found := monitor.samples()) < 2:
            pass
    assert [sample.power_w for sample in found] == pytest.approx([1.0, 1.0])
