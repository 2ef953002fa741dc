"""What adb's messages mean."""

import re

from device_harness.errors import (
    DeviceDisconnectedError,
    DeviceError,
    DeviceNotFoundError,
    DeviceUnauthorizedError,
    StorageFullError,
    TransferError,
)

_LOST = re.compile(
    r"offline|closed|protocol fault|connection reset|broken pipe|cannot connect to daemon|couldn't read status|"
    r"failed to read|read failed|EOF|transport|no response|connection refused|daemon (not running|still not)|"
    r"failed to connect|failed to get feature set: (?!device)",
    re.IGNORECASE,
)


def classify(serial: str, what: str, words: str) -> DeviceError:
    """The error that adb's `words` mean; `what` was being done. A plain `DeviceError` when they mean nothing known."""
    words = words.strip()
    if re.search(r"device '?.*'? not found|no devices/emulators found|device not found|unknown host service", words):
        return DeviceNotFoundError(
            f"{serial}: adb knows no such device. `mobile-export devices` lists those it knows; plug it in, switch "
            "on USB debugging, or `adb connect` it.",
            serial=serial,
        )
    if re.search(r"unauthorized|authorizing", words):
        return DeviceUnauthorizedError(
            f"{serial} has not allowed this machine. Unlock it and accept the question about USB debugging.",
            serial=serial,
        )
    if re.search(r"No space left on device|ENOSPC", words):
        return StorageFullError(f"{serial}: its storage is full ({what}). Free some space on it.", serial=serial)
    if not words or _LOST.search(words):
        return disconnected(serial, words)
    return DeviceError(f"{serial}: {what} failed: {words[-400:]}", serial=serial)


def classify_transfer(serial: str, verb: str, path: str, words: str) -> DeviceError:
    """The error of a failed push or pull of `path`."""
    found = classify(serial, f"{verb} of {path}", words)
    missing = re.search(r"No such file|does not exist|cannot stat|Permission denied|Is a directory|Read-only", words)
    if missing and not isinstance(found, StorageFullError):
        return TransferError(f"{serial}: {verb} of {path} failed: {words.strip()[-400:]}", serial=serial)
    if type(found) is DeviceError:
        return TransferError(str(found), serial=serial)
    return found


def disconnected(serial: str, words: str) -> DeviceDisconnectedError:
    """The connection was lost."""
    told = f" (adb says: {words.strip()[-200:]})" if words.strip() else ""
    return DeviceDisconnectedError(
        f"{serial}: the connection was lost{told}. Check the cable or network and run again; what ran on the device is "
        "ended there, and its files are removed, within two minutes.",
        serial=serial,
    )
