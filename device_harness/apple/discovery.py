"""Every Apple device that can be reached now, and what kept others from being found."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from device_harness.apple import mac, pymobiledevice
from device_harness.apple import phone as apple_device
from device_harness.apple import simulator as apple_simulator
from device_harness.apple.settings import AppleSettings
from device_harness.errors import DeviceError, DeviceNotFoundError
from device_harness.protocol import Device, DeviceInfo, DeviceState


@dataclass(frozen=True)
class Problem:
    """A way to devices that is there and failed, with the reason and the next step."""

    source: str
    message: str


@dataclass(frozen=True)
class Found:
    """A device that was seen, and how to open a session on it; opening one that is not ready fails with its advice."""

    info: DeviceInfo
    open: Callable[[], Device]


def discover(settings: AppleSettings | None = None) -> tuple[list[Found], list[Problem]]:
    """Look everywhere: this Mac, devicectl, simctl and pymobiledevice3, each where it is installed.

    A tool that is not installed is no problem: most machines have no Xcode. A device that both devicectl and
    pymobiledevice3 see is listed once, as devicectl's. Shut-down simulators are left out when one is booted.
    """
    configured = settings or AppleSettings.from_environment()
    found: list[Found] = [Found(mac.describe(), mac.MacDevice)] if mac.runs_here() else []
    problems: list[Problem] = []
    for tool, source, look in (
        ("xcrun", "devicectl", _physical),
        ("xcrun", "simctl", _simulators),
        (pymobiledevice.TOOL, pymobiledevice.TOOL, _attached),
    ):
        if shutil.which(tool) is None:
            continue
        try:
            known = {device.info.serial for device in found}
            found += [device for device in look(configured) if device.info.serial not in known]
        except DeviceError as error:
            problems.append(Problem(source, str(error)))
    return found, problems


def open_device(serial: str, settings: AppleSettings | None = None) -> Device:
    """A session on the device with this serial or name.

    Raises:
        DeviceNotFoundError: none was seen; the message has what kept others from being found.
        DeviceError: it is there and cannot be used; the message says what to do.
    """
    found, problems = discover(settings)
    for device in found:
        if serial in (device.info.serial, device.info.facts.get("name")):
            return device.open()
    reasons = " ".join(problem.message for problem in problems)
    raise DeviceNotFoundError(f"No Apple device is called {serial}. {reasons}".strip(), serial=serial)


def _physical(settings: AppleSettings) -> list[Found]:
    return [
        _found(apple_device.describe(listed), partial(apple_device.AppleDevice, listed, settings))
        for listed in apple_device.list_devices()
    ]


def _simulators(settings: AppleSettings) -> list[Found]:
    listed = [simulator for simulator in apple_simulator.list_simulators() if not simulator.unavailable]
    shown = [simulator for simulator in listed if simulator.state == "Booted"] or listed
    return [
        _found(apple_simulator.describe(one), partial(apple_simulator.AppleSimulator, one, settings)) for one in shown
    ]


def _attached(settings: AppleSettings) -> list[Found]:
    return [
        _found(pymobiledevice.describe(one), partial(pymobiledevice.PymobiledeviceDevice, one, settings))
        for one in pymobiledevice.list_attached()
    ]


def _found(info: DeviceInfo, opening: Callable[[], Device]) -> Found:
    def refuse() -> Device:
        raise DeviceError(f"{info.model or info.serial} is {info.state}. {info.advice}", serial=info.serial)

    return Found(info, opening if info.state is DeviceState.READY else refuse)
