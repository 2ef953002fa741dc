"""Probe: looks at the conditions of a device, by whatever it can tell."""

import re
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from device_harness.errors import CommandTimeoutError, UnreadableOutputError
from device_harness.protocol import Device, Shell
from profilers.conditions.conditions import Conditions, cpu_name, cpus_of
from profilers.parse.android.battery import parse_dumpsys_battery
from profilers.parse.android.thermal import parse_thermalservice
from profilers.watch.monitor import (
    CPU_FILES,
    GOVERNOR_FILES,
    LIMIT_FILES,
    MAXIMUM_FILES,
    ZONE_FILES,
    read_first_lines,
)

# Thermal zones that are switched off report 0, negative values or nonsense.
PLAUSIBLE_MILLIDEGREES = r"1?\d{4,5}"
Told = TypeVar("Told")


class Probe(Protocol):
    """Looks at a device between runs, and never while one is measured."""

    def look(self) -> Conditions:
        """The conditions now; what cannot be told is in `Conditions.untold`, and no error."""
        ...


class DeviceProbe:
    """Implements `Probe` by the device's services and its kernel's files, each where the device has it."""

    def __init__(self, device: Device) -> None:
        self._can = device.can

    def look(self) -> Conditions:
        """See `Probe.look`."""
        untold: list[str] = []
        thermal, battery = self._can.thermal, self._can.battery
        kernel = _kernel(self._can.shell) if self._can.shell is not None else Conditions()
        return kernel._replace(
            thermal=_told("thermal state", lambda: parse_thermalservice(thermal.thermal_report()), untold)
            if thermal
            else None,
            battery=_told("battery", lambda: parse_dumpsys_battery(battery.battery_report()), untold)
            if battery
            else None,
            screen_on=self._can.screen.screen_on() if self._can.screen is not None else None,
            untold=tuple(untold),
        )


def _told(what: str, ask: Callable[[], Told], untold: list[str]) -> Told | None:
    try:
        return ask()
    except (UnreadableOutputError, CommandTimeoutError) as error:
        untold.append(f"{what}: {error}")
        return None


def _kernel(shell: Shell) -> Conditions:
    texts = read_first_lines(shell, [ZONE_FILES, LIMIT_FILES, MAXIMUM_FILES, GOVERNOR_FILES, *CPU_FILES])
    online, present, threads = (texts.get(path, "") for path in CPU_FILES)
    works = cpus_of(online) or frozenset()
    # Where the second threads of cores are switched off, that is somebody's setting and no throttling.
    off = (cpus_of(present) or frozenset()) - works if works and not threads.endswith("off") else frozenset()
    return Conditions(
        zones_k={
            path: int(text) / 1e3 + 273.15
            for path, text in texts.items()
            if path.endswith("/temp") and re.fullmatch(PLAUSIBLE_MILLIDEGREES, text)
        },
        limits_hz=_frequencies(texts, "/scaling_max_freq"),
        maxima_hz=_frequencies(texts, "/cpuinfo_max_freq"),
        online=works,
        offline=off,
        governors=tuple(sorted({text for path, text in texts.items() if path.endswith("_governor")})),
    )


def _frequencies(texts: Mapping[str, str], ending: str) -> dict[str, float]:
    """Of each CPU, in hertz; the files hold kilohertz."""
    return {
        cpu_name(path): float(text) * 1e3 for path, text in texts.items() if path.endswith(ending) and text.isdigit()
    }
