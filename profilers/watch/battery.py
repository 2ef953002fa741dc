"""The battery of an iPhone while something runs, polled with a program of this machine."""

import threading
from collections.abc import Sequence

from device_harness import process
from device_harness.apple.usbmux import INSTALL
from profilers.clock import Clock
from profilers.parse.apple.telemetry import BatterySample, parse_battery_lines

INTERVAL_S = 1.0


class BatteryMonitor:
    """Polls the battery once a second until it is closed; a context manager.

    The tool gives no times: `times_s` are those at which its lines were seen here, ten times a second.
    """

    def __init__(self, command: Sequence[str], clock: Clock) -> None:
        """Args: command: prints one sample a line until it is ended; clock: of `times_s`."""
        self._command = tuple(command)
        self._clock = clock
        self._process: process.Process | None = None
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.times_s: list[float] = []

    def __enter__(self) -> "BatteryMonitor":
        process.find_program(self._command[0], INSTALL)
        self._process = process.Process(self._command)
        self._watcher.start()
        return self

    def _watch(self) -> None:
        assert self._process is not None, "polling has not begun"
        while not self._stop.wait(INTERVAL_S / 10):
            seen = self._process.output_so_far().count("\n") - len(self.times_s)
            self.times_s += [self._clock.now()] * min(seen, 1)

    def samples(self) -> tuple[BatterySample, ...]:
        """What was polled until now.

        Raises:
            UnreadableOutputError: lines that are no samples.
        """
        assert self._process is not None, "polling has not begun"
        return parse_battery_lines(self._process.output_so_far())

    def timed(self) -> tuple[tuple[BatterySample, ...], list[float]]:
        """The samples whose time is known, and their times."""
        samples = self.samples()
        count = min(len(samples), len(self.times_s))
        return samples[:count], self.times_s[:count]

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._watcher.is_alive():
            self._watcher.join()
        if self._process is not None:
            self._process.close()
