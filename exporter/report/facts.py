"""Where a record keeps what was measured: of this machine, and of each device. Only this module knows the layout."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from exporter.data.record import DeviceProfile, RunRecord, TargetRecord
from exporter.data.units import format_age
from profilers.readings import Reading
from profilers.steadiness import disturbance

THIS_MACHINE = "this machine"


class OtherReadings(NamedTuple):
    """Readings of a device that no profile holds, as records had them before profiles did."""

    device: str
    environment: str
    readings: tuple[Reading, ...]

    @property
    def title(self) -> str:
        """The device, and the environment where it is no device."""
        return self.device if self.environment == "device" else f"{self.device} ({self.environment})"


def host_readings(target: TargetRecord) -> tuple[Reading, ...]:
    """Those that the run took on this machine: none of a device, and none of a profile of this machine."""
    return tuple(reading for reading in _outside_profiles(target) if reading.device == THIS_MACHINE)


def host_caveats(target: TargetRecord, record: RunRecord) -> list[str]:
    """What must be said beside them: their age, and what disturbed them."""
    return caveats(host_readings(target), record.created_at)


def profiles_of(target: TargetRecord) -> tuple[DeviceProfile, ...]:
    """One a device that was asked for."""
    return target.profiles


def other_readings(target: TargetRecord) -> list[OtherReadings]:
    """Readings of devices outside profiles, by device."""
    groups: dict[tuple[str, str], list[Reading]] = {}
    for reading in _outside_profiles(target):
        if reading.device != THIS_MACHINE:
            groups.setdefault((reading.device, reading.environment), []).append(reading)
    return [OtherReadings(*key, tuple(found)) for key, found in groups.items()]


def _outside_profiles(target: TargetRecord) -> list[Reading]:
    profiled = [reading for item in target.profiles if item.result for reading in item.result.readings]
    return [reading for reading in target.readings if reading not in profiled]


def caveats(readings: Sequence[Reading], at: datetime) -> list[str]:
    """What must be said beside readings of one device: their age in a run made `at`, and what disturbed them.

    Args:
        readings: of one model.
        at: when the run began; readings that it took itself are later.
    """
    taken = taken_at(readings)
    if taken is None:
        return []
    age_s = (at - taken).total_seconds()
    old = [f"measured {format_age(age_s)} before this run"] if age_s > 0 else []
    reason = disturbance(readings)
    return [*old, *([f"disturbed: {reason}"] if reason else [])]


def taken_at(readings: Sequence[Reading]) -> datetime | None:
    """When the first sample was taken; None where there is none."""
    return min((reading.taken_at for reading in readings if reading.samples), default=None)


def format_title(name: str) -> str:
    """What people call the format that a record names; its name where this program does not know it."""
    return name
