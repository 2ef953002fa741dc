"""Finds the devices behind adb."""

import shutil
from collections.abc import Callable
from functools import partial

from device_harness.adb.client import AdbClient
from device_harness.adb.device import AdbDevice
from device_harness.adb.facts import adb_info, identity, list_devices
from device_harness.errors import CommandFailedError, DeviceError, ToolMissingError
from device_harness.facts import DeviceInfo
from device_harness.finder import DeviceKind, Found
from device_harness.protocol import Device

ASK_LIMIT_S = 5.0


class AdbFinder:
    """Implements `Finder`: the adb server's list; a device that is ready is asked what it is."""

    name = "adb"
    kinds: tuple[DeviceKind, ...] = (DeviceKind("adb", "device behind adb", "devices behind adb", "programs"),)

    def find(self) -> list[Found]:
        """Cable before network: where a phone is seen by both, the cable is the one that stays."""
        program = shutil.which("adb")
        if program is None:
            raise ToolMissingError("it is not installed: Android devices and boards are not listed (apt install adb)")
        try:
            listed = list_devices(program)
        except DeviceError as error:
            raise CommandFailedError(f"it does not answer: {error}") from error
        return [_found(info, program) for info in sorted(listed, key=lambda info: info.connection != "usb")]

    def reach(self, serial: str) -> Callable[[], Device] | None:
        """An address that adb can connect to."""
        return partial(AdbDevice, serial) if ":" in serial else None


def _found(info: DeviceInfo, program: str) -> Found:
    ask = partial(adb_info, info.serial, AdbClient(info.serial, program), timeout_s=ASK_LIMIT_S)
    return Found(info, partial(AdbDevice, info.serial, program=program), ask, identity)


FINDER = AdbFinder()
