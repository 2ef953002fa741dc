"""Lines of pymobiledevice3 (`battery monitor`, `sysmon process monitor process`) and of pyidevice.

Read in the source of pymobiledevice3 11.45: one JSON object a line; a key that the device does not report is null.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from device_harness.apple.documents import Document, read_document
from device_harness.errors import UnreadableOutputError

ZERO_CELSIUS_K = 273.15


@dataclass(frozen=True)
class BatterySample:
    """The battery at one moment; None where the device did not tell.

    Attributes:
        current_a: positive while discharging (the device reports it negative).
        temperature_k: of the battery.
        charge: share of the full charge in [0, 1].
    """

    current_a: float | None
    voltage_v: float | None
    temperature_k: float | None
    charging: bool | None
    charge: float | None

    @property
    def power_w(self) -> float | None:
        """Power drawn from the battery; None when current or voltage is missing."""
        if self.current_a is None or self.voltage_v is None:
            return None
        return self.current_a * self.voltage_v


@dataclass(frozen=True)
class ProcessSample:
    """One process at one moment.

    Attributes:
        cpu_utilization: cores kept busy: 1 is one core all the time; None when not told.
        cpu_time_s: user and system time since the process began; None when not told.
        footprint_bytes: physical footprint; None when not told.
    """

    pid: int | None
    name: str | None
    cpu_utilization: float | None
    cpu_time_s: float | None
    footprint_bytes: int | None


def parse_battery_lines(output: str) -> tuple[BatterySample, ...]:
    """Samples in order; a last line without its line break is passed over, because it may be cut.

    Raises:
        UnreadableOutputError: a line that is not such an object.
    """
    return tuple(_battery(line) for line in _documents(output, "pymobiledevice3 diagnostics battery monitor"))


def _battery(line: Document) -> BatterySample:
    if not {"InstantAmperage", "Voltage"} <= line.keys():
        raise UnreadableOutputError("pymobiledevice3 wrote a line without InstantAmperage and Voltage.")
    milliamps, millivolts = _milliamps(line), _finite(line, "Voltage")
    hundredths, percent = _finite(line, "Temperature"), _finite(line, "CurrentCapacity")
    charging = line.get("IsCharging")
    return BatterySample(
        current_a=None if milliamps is None else -milliamps / 1e3,
        voltage_v=None if millivolts is None or millivolts <= 0 else millivolts / 1e3,
        temperature_k=None if hundredths is None else hundredths / 100 + ZERO_CELSIUS_K,
        charging=charging if isinstance(charging, bool) else None,
        charge=percent / 100 if percent is not None and 0 <= percent <= 100 else None,
    )


def _milliamps(line: Document) -> float | None:
    """IORegistry gives a negative current as an unsigned 64-bit number on some systems."""
    value = line["InstantAmperage"]
    if isinstance(value, int) and 2**63 <= value < 2**64:
        return float(value - 2**64)
    return _finite(line, "InstantAmperage")


def parse_process_lines(output: str) -> tuple[ProcessSample, ...]:
    """Samples of `sysmon process monitor process`, in order.

    ``cpuUsage`` is in percent of one core, processor times are in nanoseconds.

    Raises:
        UnreadableOutputError: a line that is not such an object.
    """
    found = []
    for line in _documents(output, "pymobiledevice3 developer dvt sysmon process monitor process"):
        if not {"cpuUsage", "physFootprint"} & line.keys():
            raise UnreadableOutputError("pymobiledevice3 wrote a line without cpuUsage and physFootprint.")
        percent, footprint, pid = _finite(line, "cpuUsage"), line.get("physFootprint"), line.get("pid")
        name = line.get("name")
        found.append(
            ProcessSample(
                pid=pid if isinstance(pid, int) and not isinstance(pid, bool) else None,
                name=name if isinstance(name, str) else None,
                cpu_utilization=percent / 100 if percent is not None and percent >= 0 else None,
                cpu_time_s=_cpu_time(line),
                footprint_bytes=footprint if _count(footprint) else None,
            )
        )
    return tuple(found)


def _cpu_time(line: Document) -> float | None:
    user, system = _finite(line, "cpuTotalUser"), _finite(line, "cpuTotalSystem")
    return None if user is None or system is None or min(user, system) < 0 else (user + system) / 1e9


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _finite(line: Document, key: str) -> float | None:
    value = line.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _documents(output: str, tool: str) -> Iterator[Document]:
    for line in output.split("\n")[:-1]:
        if line.strip():
            yield read_document(line, tool)


_PYIDEVICE = re.compile(
    r"^# \[Battery\] time=(?P<time>[0-9]{1,12}), current=(?P<current>-?[0-9]{1,9}), voltage=(?P<voltage>[0-9]{1,9}), "
    r"power=-?[0-9.]{1,20}, temperature=(?P<temperature>[0-9]{1,6})\s*$",
    re.MULTILINE,
)


def parse_pyidevice_battery(output: str) -> tuple[BatterySample, ...]:
    """Samples of `pyidevice battery`; its other outputs (rounded, for people) are not read.

    Raises:
        UnreadableOutputError: no such line.
    """
    found = tuple(
        BatterySample(
            current_a=-int(match["current"]) / 1e3,
            voltage_v=int(match["voltage"]) / 1e3 or None,
            temperature_k=int(match["temperature"]) / 100 + ZERO_CELSIUS_K,
            charging=None,
            charge=None,
        )
        for match in _PYIDEVICE.finditer(output)
    )
    if not found:
        raise UnreadableOutputError(
            "No '# [Battery] ...' line of pyidevice: its monitors print rounded figures for people, which are not read."
        )
    return found
