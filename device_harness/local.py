"""This machine as a device."""

import contextlib
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from device_harness import process
from device_harness.digests import file_digest
from device_harness.errors import DeviceError, StorageFullError, TransferError
from device_harness.facts import ClockOffset, CommandResult, DeviceInfo
from device_harness.finder import DeviceKind, Found
from device_harness.machine import processor_name
from device_harness.protocol import Capabilities

NO_SPACE = 28


def local_info() -> DeviceInfo:
    """What is known of this machine."""
    return DeviceInfo(
        serial="local",
        kind="local",
        model=processor_name(),
        os=f"{platform.system()} {platform.release()}",
        architecture={"aarch64": "arm64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine()),
        cpus=os.cpu_count(),
        connection="here",
    )


class LocalDevice:
    """Implements `Device` with folders and processes of this machine."""

    serial = "local"

    def __init__(self) -> None:
        self.workspace = tempfile.mkdtemp(prefix="mobile-export-")
        self._started: list[process.Process] = []

    @property
    def can(self) -> Capabilities:
        """Any program by its path."""
        return Capabilities(shell=self)

    def info(self) -> DeviceInfo:
        """This machine."""
        return local_info()

    def push(self, source: Path, name: str, *, executable: bool = False, timeout_s: float = 300) -> str:
        """Copy into the workspace under a temporary name, compare, rename."""
        del timeout_s
        target = Path(self.workspace, name)
        partial = Path(f"{target}.part")
        try:
            shutil.copyfile(source, partial)
            if file_digest(partial) != file_digest(source):
                raise TransferError(f"{source} changed while it was copied. Try again when it is finished.")
            partial.chmod(0o755 if executable else 0o644)
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            kind = StorageFullError if error.errno == NO_SPACE else TransferError
            raise kind(f"copying {source} to {target} failed: {error.strerror}.", serial=self.serial) from error
        return str(target)

    def pull(self, path: str, destination: Path, *, timeout_s: float = 300) -> None:
        """Copy a file."""
        del timeout_s
        try:
            shutil.copyfile(path, destination)
        except OSError as error:
            raise TransferError(f"copying {path} failed: {error.strerror}.", serial=self.serial) from error

    def run(self, command: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run in the workspace."""
        running = self.start(command, env=env)
        try:
            return running.wait(timeout_s)
        finally:
            running.close()
            with contextlib.suppress(ValueError):  # `close` from another thread has taken it already
                self._started.remove(running)

    def start(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> process.Process:
        """Start in the workspace."""
        started = process.Process(command, env=env, cwd=self._folder())
        self._started.append(started)
        return started

    def clock_offset(self) -> ClockOffset:
        """The same clock."""
        return ClockOffset(offset_s=0.0, uncertainty_s=0.0)

    def close(self) -> None:
        """Kill what was started, remove the workspace."""
        while self._started:
            self._started.pop().close()
        shutil.rmtree(self.workspace, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _folder(self) -> Path:
        folder = Path(self.workspace)
        if not folder.is_dir():
            raise DeviceError("this session is closed; open the device again.", serial=self.serial)
        return folder


class LocalFinder:
    """Implements `Finder`: this machine is always there."""

    name = "this machine"
    kinds: tuple[DeviceKind, ...] = (DeviceKind("local", "machine", "this machine", "programs", here=True),)

    def find(self) -> list[Found]:
        """It."""
        return [Found(local_info(), LocalDevice)]

    def reach(self, serial: str) -> None:
        """There is no other."""


FINDER = LocalFinder()
