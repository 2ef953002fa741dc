"""Processor use, footprint and battery of an iPhone while something runs, polled with pymobiledevice3."""

import threading
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from device_harness import process
from device_harness.apple.pymobiledevice import INSTALL, TOOL
from profilers.parse.apple.telemetry import BatterySample, ProcessSample, parse_battery_lines, parse_process_lines
from profilers.readings import Obtained, Reading, unavailable

SOURCE = "sysmontap through pymobiledevice3"
KEYS = ("pid", "name", "cpuUsage", "cpuTotalUser", "cpuTotalSystem", "physFootprint")
INTERVAL_S = 0.5
BATTERY_INTERVAL_S = 1.0


class ProcessMonitor:
    """Polls one process of the device; a context manager. Samples are in `output`, one JSON object a line."""

    def __init__(self, udid: str, pid: int, output: Path, *, seconds: float) -> None:
        keys = [part for key in KEYS for part in ("--key", key)]
        self._output = output
        self._seconds = seconds
        self._command = [TOOL, "developer", "dvt", "sysmon", "process", "monitor", "process",
                         "--filter", f"pid={pid}", *keys, "--choose", "first",
                         "--interval", str(round(INTERVAL_S * 1000)),
                         "--duration", str(round(seconds * 1000)), "--output", str(output), "--udid", udid]  # fmt: skip
        self._process: process.Process | None = None

    def __enter__(self) -> "ProcessMonitor":
        process.find_program(TOOL, INSTALL)
        self._process = process.Process(self._command)
        return self

    def samples(self) -> tuple[ProcessSample, ...]:
        """What was polled until now.

        Raises:
            UnreadableOutputError: lines that are no samples.
        """
        content = self._output.read_text(encoding="utf-8", errors="replace") if self._output.exists() else ""
        return parse_process_lines(content)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.close()


class BatteryMonitor:
    """Polls the battery once a second until it is closed; a context manager.

    The tool gives no times: `times_s` are those at which its lines were seen here, ten times a second.
    """

    def __init__(self, udid: str) -> None:
        self._command = [TOOL, "diagnostics", "battery", "monitor", "--udid", udid]
        self._process: process.Process | None = None
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.times_s: list[float] = []

    def __enter__(self) -> "BatteryMonitor":
        process.find_program(TOOL, INSTALL)
        self._process = process.Process(self._command)
        self._watcher.start()
        return self

    def _watch(self) -> None:
        assert self._process is not None, "polling has not begun"
        while not self._stop.wait(BATTERY_INTERVAL_S / 10):
            seen = self._process.output_so_far().count("\n") - len(self.times_s)
            self.times_s += [time.monotonic()] * min(seen, 1)

    def samples(self) -> tuple[BatterySample, ...]:
        """What was polled until now.

        Raises:
            UnreadableOutputError: lines that are no samples.
        """
        assert self._process is not None, "polling has not begun"
        return parse_battery_lines(self._process.output_so_far())

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._watcher.is_alive():
            self._watcher.join()
        if self._process is not None:
            self._process.close()


def process_readings(
    samples: Sequence[ProcessSample], *, device: str, taken_at: datetime, told: str = ""
) -> tuple[Reading, ...]:
    """Utilization, processor time and highest footprint of the polled process.

    Args:
        samples: in order; the first snapshot after the start has no meaningful utilization and the tool leaves it out.
        device: serial.
        taken_at: when polling began.
        told: what the tool said where there are no samples.
    """
    usage = [sample.cpu_utilization for sample in samples if sample.cpu_utilization is not None]
    times = [sample.cpu_time_s for sample in samples if sample.cpu_time_s is not None]
    footprints = [float(sample.footprint_bytes) for sample in samples if sample.footprint_bytes is not None]
    spent = [later - earlier for earlier, later in pairwise(times) if later >= earlier]
    figures = (
        ("cpu_utilization", "1", usage, INTERVAL_S),
        ("cpu_time.polled", "s", spent, INTERVAL_S),
        ("memory.peak", "B", [max(footprints)] if footprints else [], None),
    )
    reason = f"{TOOL} gave no such samples{': ' + told if told else ''}"
    return tuple(
        Reading(
            metric=metric, unit=unit, samples=tuple(values), source=SOURCE, sampling_interval_s=interval, device=device,
            obtained=Obtained.MEASURED, taken_at=taken_at,
        )
        if values
        else unavailable(metric, unit, reason, source=SOURCE, device=device)
        for metric, unit, values, interval in figures
    )  # fmt: skip
