"""Every device that can be reached now, and opening one by its serial."""

import shutil

from device_harness.adb import facts as adb_facts
from device_harness.adb.client import AdbClient
from device_harness.adb.device import AdbDevice
from device_harness.adb.facts import adb_info
from device_harness.apple import discovery as apple_discovery
from device_harness.errors import DeviceError
from device_harness.local import LocalDevice, local_info
from device_harness.protocol import Device, DeviceInfo, DeviceState


def discover() -> tuple[list[DeviceInfo], list[str]]:
    """This machine, every Apple device and every adb device, and sentences about what could not be asked.

    A device that is ready is asked what it is; one that does not answer is listed with the reason.
    """
    apple, problems = apple_discovery.discover()
    found = [local_info(), *(device.info for device in apple)]
    unasked = [f"{problem.source}: {problem.message}" for problem in problems]
    program = shutil.which("adb")
    if program is None:
        return found, [*unasked, "adb is not installed: Android devices and boards are not listed (apt install adb)"]
    try:
        listed = adb_facts.list_devices(program)
    except DeviceError as error:
        return found, [*unasked, f"adb does not answer: {error}"]
    for info in listed:
        if info.state is DeviceState.READY:
            try:
                info = adb_info(info.serial, AdbClient(info.serial, program))
            except DeviceError as error:
                info = info.model_copy(update={"state": DeviceState.UNAVAILABLE, "advice": str(error)})
        found.append(info)
    return found, unasked


def open_device(serial: str) -> Device:
    """A session with the device `serial`; ``local`` is this machine.

    Raises:
        DeviceError: it cannot be used; the type and message say why.
    """
    return LocalDevice() if serial == "local" else AdbDevice(serial)
