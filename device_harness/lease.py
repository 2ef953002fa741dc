"""Lease: the right to use a device alone. A session takes one of each way that there is, in the order of the table."""

import getpass
import importlib
import os
import socket
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from device_harness.errors import DeviceBusyError
from device_harness.frozen import Frozen

# Name -> module with WAY. A new way is its module and a row; each is asked before the device is opened.
WAYS: Mapping[str, str] = {
    "labgrid": "device_harness.leases.labgrid",
    "STF": "device_harness.leases.stf",
    "this host": "device_harness.leases.host",
}
# What a device that has not been opened cannot keep; taken on it, after the others.
ON_DEVICE = "device_harness.leases.on_device"
COMMAND_LENGTH = 120


class Lease(Frozen):
    """Who uses a device.

    Attributes:
        serial: of the device; ``local`` for this machine.
        token: random; tells this lease from every other.
        owner: ``user@host``.
        pid: of the process there.
        command: that it carries out.
        since: when it was asked for, by the owner's clock.
        until: when the owner stops at the latest, by the same clock.
    """

    serial: str
    token: str
    owner: str
    pid: int
    command: str
    since: datetime
    until: datetime

    def told(self) -> str:
        """The owner, in words."""
        return (
            f"{self.owner} (process {self.pid}: {self.command}) since {_moment(self.since)}, "
            f"at the latest until {_moment(self.until)}"
        )

    @property
    def longest_s(self) -> float:
        """How long it lasts at most."""
        return (self.until - self.since).total_seconds()


class Held(Protocol):
    """A lease that was taken.

    Attributes:
        address: under which the device is opened now, where that is not its serial.
    """

    address: str | None

    def check(self) -> None:
        """Renew it.

        Raises:
            LeaseLostError: it is not this session's any more.
            DeviceError: nothing can be told, as the connection is lost.
        """
        ...

    def release(self) -> None:
        """Give it back; no error when it is not this session's any more."""
        ...


class Way(Protocol):
    """A way to take leases."""

    def take(self, lease: Lease) -> Held | None:
        """Take it; None where this way has nothing to do with the device.

        Raises:
            DeviceBusyError: somebody else has it.
            DeviceError: the way is wanted and failed; the message says what to do.
        """
        ...


def new_lease(serial: str, longest_s: float) -> Lease:
    """A lease that this process may take on the device, for at most `longest_s`."""
    now = datetime.now(UTC)
    program, *arguments = sys.argv or ["python"]
    command = " ".join([Path(program).name, *arguments])
    return Lease(
        serial=serial,
        token=uuid.uuid4().hex,
        owner=myself(),
        pid=os.getpid(),
        command=command if len(command) <= COMMAND_LENGTH else f"{command[: COMMAND_LENGTH - 3]}...",
        since=now,
        until=now + timedelta(seconds=longest_s),
    )


def myself() -> str:
    """``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def ways() -> list[Way]:
    """Those of the table."""
    return [importlib.import_module(module).WAY for module in WAYS.values()]


def busy(serial: str, holder: Lease | None, where: str) -> DeviceBusyError:
    """The error of a device that `holder` has; None where that cannot be read. `where` it is kept, as a clause."""
    who = holder.told() if holder is not None else "somebody whose record cannot be read"
    return DeviceBusyError(
        f"{serial} is in use by {who} ({where}). Wait for it with --wait 30m, or, where nobody is at work there any "
        f"more, break it: mobile-export lab release --force {serial}",
        serial=serial,
    )


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
