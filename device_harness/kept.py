"""Files that stay on a device from session to session, by their digest: data that is dear to send.

They lie in one folder beside the workspaces. The rule: what was not used for `DAYS` days goes; and before a new file
comes, those that were used longest ago go until all together take no more than `MOST_BYTES` and the file leaves a tenth
of the storage free. A file is used only when its digest is its name, looked at there each time.
"""

import shlex
from pathlib import Path

from device_harness.digests import file_digest
from device_harness.errors import CommandFailedError, StorageFullError
from device_harness.protocol import Device

DAYS = 7
MOST_BYTES = 2**30
FOLDER = "mobile-export-data"
LIMIT_S = 300.0

# Prints `there` when the file is there whole; a damaged one is removed. Old files go first.
_FIND = """mkdir -p {folder} && cd {folder} || exit 1
find . -type f -mtime +{days} -exec rm -f {{}} +
[ -f {digest} ] || exit 0
found=$(sha256sum < {digest}) || exit 1
if [ "${{found%% *}}" = {digest} ]; then touch {digest}; echo there; else rm -f {digest}; echo damaged; fi"""

# Prints the bytes that are free when room for {size} more was made, or could not be.
_MAKE_ROOM = """cd {folder} || exit 1
total() {{ sum=0; for one in *; do [ -f "$one" ] && sum=$((sum + $(stat -c %s "$one"))); done; echo $sum; }}
free() {{ df -k . | tail -n 1 | awk '{{print $4, $2}}'; }}
room() {{ set -- $(free); [ $((($1 - {kilobytes}) * 10)) -ge "$2" ] && [ $(($(total) + {size})) -le {most} ]; }}
until room; do oldest=$(ls -tr | head -n 1); [ -n "$oldest" ] || break; rm -f "$oldest"; done
if room; then echo room; else set -- $(free); echo full $1; fi"""


def keep(device: Device, file: Path) -> str:
    """The path of `file` on the device, which is sent only where it is not there.

    Raises:
        StorageFullError: there is no room by the rule of this module.
        TransferError: it arrived damaged.
        DeviceError: the device failed.
    """
    digest, size = file_digest(file), file.stat().st_size
    if device.info().connection == "here":
        return device.push(file, digest)
    folder = f"{device.workspace.rpartition('/')[0]}/{FOLDER}"
    names = {"folder": shlex.quote(folder), "digest": digest}
    if _told(device, _FIND.format(**names, days=DAYS)) == "there":
        return f"{folder}/{digest}"
    room = _told(device, _MAKE_ROOM.format(**names, size=size, kilobytes=-(-size // 1024), most=MOST_BYTES))
    if room != "room":
        free = room.removeprefix("full ")
        raise StorageFullError(
            f"{device.serial} has no room for {size / 1e6:.0f} MB of evaluation data: {free} KiB are free, a tenth of "
            f"the storage stays so, and at most {MOST_BYTES >> 20} MiB are kept there. Free some, or give fewer with "
            "--evaluation-samples.",
            serial=device.serial,
        )
    pushed = device.push(file, digest)
    _told(device, f"mv -f {shlex.quote(pushed)} {shlex.quote(folder)}/{digest} && echo moved")
    return f"{folder}/{digest}"


def _told(device: Device, script: str) -> str:
    """What a script of the device's shell printed."""
    result = device.run(["sh", "-c", script], timeout_s=LIMIT_S)
    if result.returncode != 0:
        raise CommandFailedError(
            f"{device.serial}: its data folder cannot be used: {result.errors.strip() or result.text.strip()}",
            serial=device.serial,
        )
    return result.text.strip()
