"""Energy of Apple systems: powermetrics' millijoules, a battery's current, Instruments' percent an hour."""

import json
import plistlib
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device_harness.apple.mac import MacDevice
from device_harness.apple.usbmux import battery_command
from device_harness.errors import CommandFailedError, ToolMissingError, UnreadableOutputError
from profilers.clock import SystemClock
from profilers.meters.battery_stream import SHORTEST_PHASE_S, battery_trace
from profilers.meters.energy import EnergyTrace, LoadWindow
from profilers.meters.meter import Energy
from profilers.meters.powermetrics import ESTIMATE, Powermetrics, rail_trace
from profilers.meters.traced import TracedMeter
from profilers.parse.apple.powermetrics import PowerSample
from profilers.parse.apple.telemetry import BatterySample
from profilers.stages.instruments import Origin, discharge_reading
from profilers.watch.battery import BatteryMonitor
from tests.fakes.apple.stage import Stage


class Rails:
    """This Mac's, without a session on it."""

    rail_command = MacDevice.rail_command


ORIGIN = Origin("mac", datetime(2026, 1, 1, tzinfo=UTC))
MAC = Rails()
IDLE = ((0.0, 60.0), (120.0, 180.0), (240.0, 300.0))
LOADS = (LoadWindow(60.0, 120.0, 600), LoadWindow(180.0, 240.0, 600))


def rails(watts: float, interval: float = 0.5) -> PowerSample:
    return PowerSample(interval, {"cpu": watts * interval, "gpu": 0.0, "ane": 0.0}, "Nominal")


def alternating(idle: float, load: float) -> list[PowerSample]:
    return [rails(load if (second // 60) % 2 else idle) for second in range(300) for _ in range(2)]


class Windows:
    """Phases that are over already."""

    repeats, seconds = 2, 300.0

    def __init__(self, idle: Sequence[tuple[float, float]] = IDLE, loads: Sequence[LoadWindow] = LOADS) -> None:
        self._windows = list(idle), list(loads)

    def load(self) -> Any:
        raise NotImplementedError

    def alternate(self, timeline: object) -> tuple[list[tuple[float, float]], list[LoadWindow]]:
        del timeline
        return self._windows


def measured(trace: EnergyTrace, windows: Windows | None = None, **facts: Any) -> Energy:
    meter = TracedMeter("m", lambda seconds: nullcontext(lambda: trace), lambda: None, **facts)  # type: ignore[arg-type, return-value]
    return meter.measure(windows or Windows())


def test_idle_power_is_subtracted() -> None:
    """3 W under load and 1 W idle for 60 s and 600 inferences: 0.2 J each; an estimate, because Apple says so."""
    energy = measured(rail_trace(alternating(1, 3), 0.0), estimate=ESTIMATE)
    assert energy.joules == pytest.approx((0.2, 0.2))
    assert energy.estimate == ESTIMATE


def test_the_interval_does_not_change_the_energy() -> None:
    """mJ of an interval taken for W would give half or a fifth of it."""
    samples = [rails(3 if (tenth // 600) % 2 else 1, 0.1) for tenth in range(3001)]
    assert measured(rail_trace(samples, 0.0)).joules == pytest.approx((0.2, 0.2), rel=1e-3)


def test_what_gives_no_figure_is_refused() -> None:
    """Not above idle, a missing rail, a window that was not sampled."""
    with pytest.raises(ValueError, match="not above the idle power"):
        measured(rail_trace(alternating(3, 3), 0.0))
    with pytest.raises(ValueError, match="do not cover"):
        measured(rail_trace(alternating(1, 3)[:400], 0.0))
    with pytest.raises(ValueError, match="no figure for one of"):
        rail_trace([PowerSample(1.0, {"cpu": 1.0}, None)], 0.0)


def battery(watts: float, charging: bool | None = False) -> BatterySample:
    return BatterySample(watts / 4, 4.0, 300.0, charging, 0.6)


def test_a_battery_gauge_needs_a_minute() -> None:
    """Measured over whole minutes; a gauge read once a second says nothing of seconds."""
    seconds = list(range(301))
    trace = battery_trace([battery(3 if (second // 60) % 2 else 1) for second in seconds], seconds)
    assert measured(trace, shortest_s=SHORTEST_PHASE_S).joules == pytest.approx((0.2, 0.2), rel=0.05)
    brief = Windows([(0, 5), (10, 15), (20, 25)], [LoadWindow(5, 10, 9), LoadWindow(15, 20, 9)])
    with pytest.raises(ValueError, match="needs 60 s"):
        measured(trace, brief, shortest_s=SHORTEST_PHASE_S)


@pytest.mark.parametrize("charging", [True, None])
def test_no_energy_while_charging(charging: bool | None) -> None:
    """A cable makes the battery's current meaningless; a phone that does not say is not taken to be unplugged."""
    with pytest.raises(ValueError, match="without a cable"):
        battery_trace([battery(1), battery(1, charging)], [0, 1])


def powermetrics_step(**answer: object) -> dict[str, object]:
    rails = ["--samplers", "cpu_power,gpu_power,ane_power,thermal"]
    arguments = ["-n", "powermetrics", *rails, "-i", "200", "-n", "5", "-f", "plist", "-o", "*"]
    return {"tool": "sudo", "args": arguments, **answer}


def test_powermetrics_is_asked_and_read(stage: Stage, tmp_path: Path) -> None:
    """Property lists separated by NUL bytes, the last one cut off: four samples."""
    samples = [
        plistlib.dumps({"elapsed_ns": 200_000_000, "processor": {"cpu_energy": 100, "gpu_energy": 0, "ane_energy": 20}})
        for _ in range(5)
    ]
    (stage.folder / "power").write_bytes(b"\0".join(samples)[:-30])
    stage.script(powermetrics_step(file="power"))
    with Powermetrics(MAC, tmp_path / "out", seconds=1) as meter:
        found = meter.samples()
    assert [sample.soc_joules for sample in found] == pytest.approx([0.12] * 4)


def test_powermetrics_without_the_administrator(stage: Stage, tmp_path: Path) -> None:
    """It never waits for a password; the reading is unavailable and says what to do."""
    stage.script(powermetrics_step(rc=1, stderr="sudo: a password is required\n"))
    with Powermetrics(MAC, tmp_path / "out", seconds=1) as meter, pytest.raises(CommandFailedError, match="sudo -v"):
        meter.samples()


def test_powermetrics_that_writes_nothing(stage: Stage, tmp_path: Path) -> None:
    stage.script(powermetrics_step())
    with (
        Powermetrics(MAC, tmp_path / "out", seconds=1) as meter,
        pytest.raises(UnreadableOutputError, match="no sample"),
    ):
        meter.samples()


def test_machines_without_powermetrics(stage: Stage, tmp_path: Path) -> None:
    (stage.folder / "bin/powermetrics").unlink()
    with pytest.raises(ToolMissingError, match="part of macOS"):
        Powermetrics(MAC, tmp_path / "out", seconds=1).__enter__()


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


def test_the_battery_is_polled(stage: Stage) -> None:
    line = json.dumps({"InstantAmperage": -250, "Voltage": 4000, "IsCharging": False}) + "\n"
    stage.script(
        {
            "tool": "pymobiledevice3",
            "args": ["diagnostics", "battery", "monitor", "--udid", "UDID-READY"],
            "stdout": [line, line, line[:20]],
            "delay_s": 0.05,
            "hang": True,
        }
    )
    with BatteryMonitor(battery_command("UDID-READY"), SystemClock()) as monitor:
        while len(found := monitor.samples()) < 2:
            pass
    assert [sample.power_w for sample in found] == pytest.approx([1.0, 1.0])
