"""Leases on this host: a file a device, locked by the process that has it.

The kernel lets go of a lock when its process ends, however it ends: a dead owner needs no clock to be noticed. Breaking
a lease takes the file's name away, which the owner sees; the next one locks a new file.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError

from device_harness.errors import DeviceError, LeaseLostError
from device_harness.lease import Lease, busy, myself

VARIABLE = "MOBILE_EXPORT_LEASES"
# For every user of this machine: /tmp is where all of them can write.
FOLDER = Path("/tmp/mobile-export-leases")  # noqa: S108 - no file in it is followed as a link
SUFFIX, LOG = ".lease", "released.log"
WHERE = "by the record on this host"
MOST_BYTES = 4096
ROUNDS = 20
HERE = ("local", "mac")


def folder() -> Path:
    """Where they are kept; made where it is not there."""
    path = Path(os.environ.get(VARIABLE) or FOLDER)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):
            path.chmod(0o777)
    except OSError as error:
        raise DeviceError(f"{path}, where leases of devices are kept, cannot be made: {error.strerror}.") from error
    if path.is_symlink():
        raise DeviceError(f"{path}, where leases of devices are kept, is a link. Remove it, or set {VARIABLE}.")
    return path


class HostLease:
    """Implements `Held`."""

    address: str | None = None

    def __init__(self, lease: Lease, path: Path, descriptor: int) -> None:
        self._lease, self._path, self._descriptor = lease, path, descriptor

    def check(self) -> None:
        """Whether the file still has its name."""
        if _is_at(self._descriptor, self._path):
            return
        note = _note(self._path, self._lease.token)
        told = ""
        with contextlib.suppress(OSError):
            told = f" by {_content(note)}"
            note.unlink()
        raise LeaseLostError(
            f"{self._lease.serial}: the lease on this host was broken{told}.", serial=self._lease.serial
        )

    def release(self) -> None:
        """Take the name away, where it is this one's, and let go of the lock."""
        if self._descriptor < 0:
            return
        if _is_at(self._descriptor, self._path):
            with contextlib.suppress(OSError):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1


class HostWay:
    """Implements `Way` for every device."""

    def take(self, lease: Lease) -> HostLease:
        """See `Way.take`."""
        path = _path(lease.serial)
        for _ in range(ROUNDS):
            descriptor = _opened(path)
            if not _locks(descriptor):
                holder = _holder(descriptor)
                os.close(descriptor)
                raise busy(lease.serial, holder, WHERE)
            if _is_at(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, lease.model_dump_json().encode(), 0)
                return HostLease(lease, path, descriptor)
            os.close(descriptor)  # its name was taken away between opening and locking
        raise busy(lease.serial, None, WHERE)


def held_here() -> list[Lease]:
    """Every lease that a living process has on this host."""
    return [lease for _, lease in _held() if lease is not None]


def break_here(serial: str) -> Lease | None:
    """Take the lease of a device away from whoever has it, tell the owner, and write it into the log; None: nobody had.

    Raises:
        DeviceError: the file cannot be taken away.
    """
    path = _path(serial)
    found = next((lease for at, lease in _held() if at == path), None)
    if not path.exists():
        return None
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    try:
        if found is not None:
            _write(_note(path, found.token), f"{myself()} at {when}")
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DeviceError(f"{path} cannot be taken away: {error.strerror}. Its folder is another user's.") from error
    return found


def log_release(serial: str, whose: str) -> Path:
    """Write down that the lease of a device was broken, by whom, and whose it was."""
    path = folder() / LOG
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    _write(path, f"{when} {myself()} broke the lease of {serial} of {whose}\n", more=True)
    return path


def _path(serial: str) -> Path:
    """This machine is one device, by whatever name."""
    return folder() / f"{quote('local' if serial in HERE else serial, safe='')}{SUFFIX}"


def _note(path: Path, token: str) -> Path:
    return path.with_name(f"{path.stem}.{re.sub('[^0-9a-f]', '', token)}.broken")


def _held() -> Iterator[tuple[Path, Lease | None]]:
    for path in sorted(folder().glob(f"*{SUFFIX}")):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            continue
        if not _locks(descriptor):
            yield path, _holder(descriptor)
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        before = os.umask(0)
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        finally:
            os.umask(before)
    except OSError as error:
        raise DeviceError(f"{path}, which leases the device, cannot be opened: {error.strerror}.") from error


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _holder(descriptor: int) -> Lease | None:
    try:
        return Lease.model_validate_json(os.pread(descriptor, MOST_BYTES, 0))
    except (OSError, ValidationError):
        return None


def _content(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        return os.read(descriptor, MOST_BYTES).decode("utf-8", "replace").strip()
    finally:
        os.close(descriptor)


def _write(path: Path, text: str, *, more: bool = False) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_APPEND if more else os.O_TRUNC)
    descriptor = os.open(path, flags, 0o666)
    try:
        os.write(descriptor, text.encode("utf-8", "replace"))
    finally:
        os.close(descriptor)


WAY = HostWay()
