"""Leases on a device that has a shell: a link whose target is the owner's token, made and read as one.

Making a link fails where there is one, so that of two hosts one has it. The link's target is one value, so that who
has the device is never in doubt. Heartbeats are of the device's own clock since boot, which no time of day moves: a
lease whose last one is older than `EXPIRY_S`, or of another boot, is a dead owner's, and its record's name is taken by
exactly one of those who would have the device next.
"""

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from device_harness.errors import DeviceError, LeaseLostError, UnreadableOutputError
from device_harness.lease import Lease, busy, myself
from device_harness.protocol import Device, Shell

NAME = "mobile-export-lease"
WHERE = "by the record on the device"
EXPIRY_S = 60
COMMAND_S = 30.0

_NOW = """lease=$1; token=$2
read -r up _ < /proc/uptime; up=${up%%.*}; boot=$(cat /proc/sys/kernel/random/boot_id)
"""

# `until` and heartbeats are seconds since boot. A link without a record is of an owner that ended while it let go.
_TAKE = (
    _NOW
    + """expiry=$3; until=$((up + $4))
{ printf '%s\\n%s\\n%s\\n' "$boot" "$until" "$5" > "$lease.$token" &&
  echo "$up" > "$lease.$token.beat"; } 2>/dev/null || {
  rm -f "$lease.$token" "$lease.$token.beat"; echo cannot; exit; }
for round in 1 2 3; do
  if ln -s "$token" "$lease" 2>/dev/null; then
    for other in "$lease".*; do case $other in "$lease.$token"*|*.broken) ;; *) rm -f "$other" ;; esac; done
    echo taken; exit
  fi
  held=$(readlink "$lease") || continue
  was='' end='' record='' beat=''
  { read -r was; read -r end; IFS= read -r record; } 2>/dev/null < "$lease.$held"
  { read -r beat; } 2>/dev/null < "$lease.$held.beat"
  if [ "$was" = "$boot" ] && [ $((up - ${beat:-$up})) -le "$expiry" ] && [ "$up" -le "${end:-0}" ]; then
    rm -f "$lease.$token" "$lease.$token.beat"; echo "held $held"; printf '%s\\n' "$record"; exit
  fi
  mv "$lease.$held" "$lease.$held.dead" 2>/dev/null || sleep 1
  [ "$(readlink "$lease")" = "$held" ] && rm -f "$lease" "$lease.$held".*
done
rm -f "$lease.$token" "$lease.$token.beat"; echo cannot"""
)

_BEAT = (
    _NOW
    + """if [ "$(readlink "$lease")" = "$token" ]; then echo "$up" > "$lease.$token.beat"; echo held
else echo lost; cat "$lease.$token.broken" 2>/dev/null; rm -f "$lease.$token.broken"; fi"""
)

_LOOK = (
    _NOW
    + """held=$(readlink "$lease") || exit 0
{ read -r was; read -r end; IFS= read -r record; } 2>/dev/null < "$lease.$held" || exit 0
{ read -r beat; } 2>/dev/null < "$lease.$held.beat"
[ "$was" = "$boot" ] || exit 0
echo "$((up - ${beat:-$up}))"; printf '%s\\n' "$record\""""
)

_BREAK = (
    _NOW
    + """held=$(readlink "$lease") || exit 0
printf '%s\\n' "$3" > "$lease.$held.broken"
rm -f "$lease" "$lease.$held" "$lease.$held.beat\""""
)


class DeviceLease:
    """Implements `Held`; the device gives it back itself when the session ends, however it ends."""

    address: str | None = None

    def __init__(self, shell: Shell, lease: Lease) -> None:
        self._shell, self._lease = shell, lease

    def check(self) -> None:
        """A heartbeat."""
        said, _, told = _run(self._shell, _BEAT, self._lease.token).partition("\n")
        if said == "held":
            return
        if said != "lost":
            raise UnreadableOutputError(
                f"{self._lease.serial}: asked for its lease, it says {said[:80]!r}.", serial=self._lease.serial
            )
        by = f" by {told.strip()}" if told.strip() else ""
        raise LeaseLostError(f"{self._lease.serial}: the lease on it was broken{by}.", serial=self._lease.serial)

    def release(self) -> None:
        """Nothing: see the class."""


def take(device: Device, lease: Lease) -> DeviceLease | None:
    """A lease on an open device; None where it can keep none.

    Only a device that clears up by itself keeps one: otherwise a lost session would leave it.

    Raises:
        DeviceBusyError: another host has it.
    """
    can = device.can
    if can.shell is None or can.restoring is None:
        return None
    said = _run(can.shell, _TAKE, lease.token, str(EXPIRY_S), str(int(lease.longest_s) + 1), lease.model_dump_json())
    first, _, record = said.partition("\n")
    if first.startswith("held "):
        raise busy(lease.serial, _read(record), WHERE)
    if first != "taken":
        return None
    can.restoring.on_leaving(_leaving(_path(can.shell), lease.token))
    return DeviceLease(can.shell, lease)


def look(device: Device) -> Lease | None:
    """Who has the device, by its own record; None where nobody is known to.

    Raises:
        DeviceError: it cannot be asked.
    """
    shell = device.can.shell
    if shell is None or device.can.restoring is None:
        return None
    age, _, record = _run(shell, _LOOK, "").partition("\n")
    alive = re.fullmatch(r"\d{1,10}", age) is not None and int(age) <= EXPIRY_S
    return _read(record) if alive else None


def break_on(device: Device) -> Lease | None:
    """Take the device's record away, whoever has it, and leave word for the owner; gives whose it was."""
    found, shell = look(device), device.can.shell
    if shell is not None and device.can.restoring is not None:
        when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        _run(shell, _BREAK, "", f"{myself()} at {when}")
    return found


def _path(shell: Shell) -> str:
    """Beside the workspaces of sessions, where any user of the device's shell may write."""
    return f"{shell.workspace.rpartition('/')[0]}/{NAME}"


def _run(shell: Shell, script: str, *arguments: str) -> str:
    command: Sequence[str] = ["sh", "-c", script, "sh", _path(shell), *arguments]
    result = shell.run(command, timeout_s=COMMAND_S)
    if result.returncode != 0:
        told = (result.errors or result.text).strip()[-160:]
        raise DeviceError(f"{shell.serial}: its lease cannot be asked for: {told}", serial=shell.serial)
    return result.text.strip("\n")


def _read(record: str) -> Lease | None:
    try:
        return Lease.model_validate_json(record.strip())
    except ValidationError:
        return None


def _leaving(path: str, token: str) -> str:
    where, mine = shlex.quote(path), shlex.quote(f"{path}.{token}")
    return f'[ "$(readlink {where})" = {token} ] && rm -f {where}; rm -f {mine} {mine}.beat {mine}.broken'
