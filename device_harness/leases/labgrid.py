"""Places of labgrid, taken with its own client: for devices that `MOBILE_EXPORT_LABGRID` says are in one."""

import getpass
import os
import socket

from device_harness import process
from device_harness.errors import CommandFailedError, DeviceBusyError
from device_harness.lease import Lease

VARIABLE = "MOBILE_EXPORT_LABGRID"
PROGRAM = "labgrid-client"
COMMAND_S = 60.0


class Place:
    """Implements `Held`; the coordinator keeps it until it is released."""

    address: str | None = None

    def __init__(self, serial: str, place: str) -> None:
        self._serial, self._place = serial, place

    def check(self) -> None:
        """Nothing: a place does not run out."""

    def release(self) -> None:
        """``labgrid-client release``."""
        result = process.run([PROGRAM, "-p", self._place, "release"], timeout_s=COMMAND_S)
        if result.returncode != 0:
            raise _failed(self._serial, self._place, "released", result.errors or result.text)


class LabgridWay:
    """Implements `Way`."""

    def take(self, lease: Lease) -> Place | None:
        """``labgrid-client acquire``; a place that this user has already is used, and stays taken."""
        place = places(os.environ.get(VARIABLE, "")).get(lease.serial)
        if place is None:
            return None
        process.find_program(PROGRAM, f"{VARIABLE} names place {place} for {lease.serial}: pip install labgrid.")
        result = process.run([PROGRAM, "-p", place, "acquire"], timeout_s=COMMAND_S)
        if result.returncode == 0:
            return Place(lease.serial, place)
        words = f"{result.errors} {result.text}".strip()
        if "already acquired" not in words:
            raise _failed(lease.serial, place, "acquired", words)
        if words.endswith(f"by {myself_there()}"):
            return None
        raise DeviceBusyError(
            f"{lease.serial} is in use: labgrid says {words[-200:]!r}. Wait for it with --wait 30m.",
            serial=lease.serial,
        )


def places(text: str) -> dict[str, str]:
    """Serials and their places of ``SERIAL=PLACE,SERIAL=PLACE``."""
    pairs = (item.strip().partition("=") for item in text.split(",") if item.strip())
    return {serial.strip(): place.strip() for serial, _, place in pairs if place.strip()}


def myself_there() -> str:
    """What labgrid calls this user."""
    return f"{socket.gethostname()}/{getpass.getuser()}"


def _failed(serial: str, place: str, what: str, words: str) -> CommandFailedError:
    told = words.strip()[-200:]
    return CommandFailedError(f"{serial}: labgrid's place {place} could not be {what}: {told}", serial=serial)


WAY = LabgridWay()
