"""Timeline: the clock that a meter's samples are on, and where a run's phases lie on it."""

import re
from typing import Protocol

from device_harness.errors import UnreadableOutputError
from device_harness.protocol import Device, Shell
from device_harness.runners.bench_document import Clock as RunClock
from profilers.clock import Clock


class Timeline(Protocol):
    """A clock in seconds."""

    def now(self) -> float:
        """The time."""
        ...

    def measured(self, clock: RunClock) -> tuple[float, float]:
        """Start and end of a run's measured phase."""
        ...


class BootTimeline:
    """The device's own clock since boot, which its kernel's files and rails count in."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def now(self) -> float:
        """``/proc/uptime``."""
        text = self._shell.run(["cat", "/proc/uptime"], timeout_s=30).text
        found = re.match(r"\d{1,12}(\.\d+)?(?=\s)", text)
        if found is None:
            raise UnreadableOutputError(
                f"{self._shell.serial}: /proc/uptime holds {text[:80]!r}.", serial=self._shell.serial
            )
        return float(found[0])

    def measured(self, clock: RunClock) -> tuple[float, float]:
        """With the time that the device slept."""
        shift = clock.boottime_offset_s
        return clock.measure_start_s + shift, clock.measure_end_s + shift


class HostTimeline:
    """This machine's clock, on which what its programs sample is placed."""

    def __init__(self, device: Device, clock: Clock) -> None:
        self._clock = clock
        self._offset = device.clock_offset()

    def now(self) -> float:
        """See `Clock.now`."""
        return self._clock.now()

    def measured(self, clock: RunClock) -> tuple[float, float]:
        """By the offset between the two clocks."""
        return self._offset.to_host(clock.measure_start_s), self._offset.to_host(clock.measure_end_s)
