"""Every device that can be reached now, and opening one by its serial."""

import shutil

from device_harness import adb_facts
from device_harness.adb import AdbDevice
from device_harness.adb_client import AdbClient
from device_harness.adb_facts import adb_info
from device_harness.device import Device, DeviceInfo, DeviceState
from device_harness.errors import DeviceError
from device_harness.local import LocalDevice, local_info


def discover() -> tuple[list[DeviceInfo], list[str]]:
    """This machine and every adb device, and sentences about what could not be asked.

    A device that is ready is asked what it is; one that does not answer is listed with the reason.
    """
    found = [local_info()]
    unasked: list[str] = []
    program = shutil.which("adb")
    if program is None:
        return found, ["adb is not installed: Android devices and boards are not listed (apt install adb)"]
    try:
        listed = adb_facts.list_devices(program)
    except DeviceError as error:
        return found, [f"adb does not answer: {error}"]
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
