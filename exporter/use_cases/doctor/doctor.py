"""The use case of `mobile-export doctor`: what works on this machine, what does not, and what mends it."""

from collections.abc import Callable, Iterator, Sequence

from device_harness.discovery import discover
from device_harness.facts import DeviceInfo, DeviceState
from exporter.data.results.doctor import Checkup, DoctorResult
from exporter.use_cases.doctor.libraries import extras, library_checkups
from exporter.use_cases.doctor.places import place_checkups
from exporter.use_cases.doctor.tools import android_checkups, apple_checkups

_STEPS: Sequence[Callable[[], Iterator[Checkup]]] = (
    library_checkups,
    place_checkups,
    android_checkups,
    apple_checkups,
)
AREAS = ("python", *extras(), "disk", "android", "apple", "devices")
"""What can be needed; the extras are those of the installed program."""


def examine(needed: Sequence[str] = (), *, devices: bool = True) -> DoctorResult:
    """Look at everything; nothing heavy is imported.

    Args:
        needed: areas in which nothing may be missing.
        devices: whether devices are looked for, which can take seconds.
    """
    found = [one for step in _STEPS for one in step()]
    if devices:
        found += _device_checkups()
    return DoctorResult(tuple(found), tuple(dict.fromkeys(needed)))


def _device_checkups() -> Iterator[Checkup]:
    listing = discover()
    apart = [info for info in listing.devices if info.serial != "local"]
    yield from map(_device, apart)
    for problem in listing.problems:
        yield Checkup("devices", problem.source, "broken", problem.message, mend="mobile-export devices")
    if not apart and not listing.problems:
        use, mend = "readings of phones", "connect one, allow debugging on it, then: mobile-export devices"
        yield Checkup("devices", "phones", "missing", "none is connected", use, mend)


def _device(info: DeviceInfo) -> Checkup:
    what = ", ".join(filter(None, [info.model, info.os])) or info.kind
    if info.state is DeviceState.READY:
        return Checkup("devices", info.serial, "works", what)
    return Checkup("devices", info.serial, "broken", f"{what}: {info.state.value}", mend=info.advice or "")
