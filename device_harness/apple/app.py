"""AppDevice: a device that runs one installed app and no programs; what iPhones and simulators have in common.

The runner app (`device_harness/ios`) stands for the shell: it is launched with ``--session FOLDER -- COMMAND...``,
writes its streams into FOLDER of its own container, and at the end its return code. That outlives a lost cable, which a
console does not. Paths are relative to the app's container.
"""

import contextlib
import json
import math
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from device_harness.digests import file_digest
from device_harness.errors import (
    CommandFailedError,
    CommandTimeoutError,
    DeviceDisconnectedError,
    DeviceError,
    TransferError,
)
from device_harness.facts import ClockOffset, CommandResult, DeviceInfo

WORKSPACES = "Documents/mobile-export"
# Short commands are waited for closely; long ones are left alone, because asking a device disturbs what it measures.
FIRST_POLL_S = 0.1
LONGEST_POLL_S = 5.0
RECONNECT_S = 60.0


class AppProcess:
    """A launch of the app; implements `RunningProcess`."""

    def __init__(self, device: "AppDevice", pid: int, session: str, command: Sequence[str]) -> None:
        self.pid = pid
        self._device = device
        self._session = session
        self._command = tuple(command)
        self._began = time.monotonic()
        self._result: CommandResult | None = None
        self._killed = False

    def poll(self) -> int | None:
        """The return code when the app has ended, else None."""
        if self._result is None and not self._killed and not self._device.alive(self.pid):
            self._result = self._fetch()
        return -9 if self._killed else self._result.returncode if self._result else None

    def wait(self, timeout_s: float) -> CommandResult:
        """Its result; at the end of `timeout_s` it is killed on the device.

        A lost connection is waited for: the app goes on without one.
        """
        end = time.monotonic() + timeout_s
        pause = FIRST_POLL_S
        lost_at: float | None = None
        while True:
            try:
                ended = self.poll() is not None
                lost_at = None
            except DeviceDisconnectedError:
                ended = False
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at >= RECONNECT_S:
                    raise
            if ended:
                break
            if time.monotonic() >= end:
                self.kill()
                raise CommandTimeoutError(
                    f"{self._device.serial}: {self._command[0]} did not end within {timeout_s:g} s and was killed.",
                    serial=self._device.serial,
                )
            time.sleep(max(0.0, min(pause, end - time.monotonic())))
            pause = min(2 * pause, LONGEST_POLL_S)
        if self._result is None:
            raise CommandFailedError(f"{self._command[0]} was killed.", serial=self._device.serial)
        return self._result

    def kill(self) -> None:
        """End the app."""
        if self._result is None and not self._killed:
            self._device.terminate(self.pid)
            self._killed = True

    def close(self) -> None:
        """Nothing is kept here."""

    @property
    def running(self) -> bool:
        """Whether it may still run."""
        return self._result is None and not self._killed

    def _fetch(self) -> CommandResult:
        with tempfile.TemporaryDirectory(prefix="mobile-export-") as folder:
            files = {name: Path(folder, name) for name in ("exit", "stdout", "stderr")}
            try:
                self._device.copy_from(f"{self._session}/exit", files["exit"])
            except TransferError as error:
                raise self._crash() from error
            for name in ("stdout", "stderr"):
                self._device.copy_from(f"{self._session}/{name}", files[name])
            code = files["exit"].read_text(encoding="ascii", errors="replace").strip()
            if not code.lstrip("-").isdecimal():
                raise CommandFailedError(
                    f"The runner app left no return code but {code[:40]!r}.", serial=self._device.serial
                )
            return CommandResult(
                command=self._command,
                returncode=int(code),
                stdout=files["stdout"].read_bytes(),
                stderr=files["stderr"].read_bytes(),
                duration_s=time.monotonic() - self._began,
            )

    def _crash(self) -> CommandFailedError:
        # Killed counts as ended from here on: there is nothing more to fetch.
        self._killed = True
        return CommandFailedError(
            f"{self._device.serial}: the runner app ended without a result. It crashed, was closed by hand, or the "
            "system ended it for using too much memory; Xcode's Devices window has the crash log.",
            serial=self._device.serial,
        )


class AppDevice(ABC):
    """Implements `Device` by launches of the runner app. One command runs at a time, because an app has one process."""

    def __init__(self, serial: str, bundle: str) -> None:
        self.serial = serial
        self.bundle = bundle
        self.workspace = f"{WORKSPACES}/{uuid.uuid4().hex[:12]}"
        self._started: list[AppProcess] = []
        self._launches = 0
        self._touched = False
        self._closed = False

    @abstractmethod
    def info(self) -> DeviceInfo:
        """What is known of the device."""

    @abstractmethod
    def copy_to(self, source: Path, destination: str) -> None:
        """Copy a file of this machine into the app's container."""

    @abstractmethod
    def copy_from(self, source: str, destination: Path) -> None:
        """Copy a file of the app's container here; `TransferError` when it is not there."""

    @abstractmethod
    def launch(self, arguments: Sequence[str], env: Mapping[str, str]) -> int:
        """Launch the app, ending an earlier launch of it; returns the process identifier on the device."""

    @abstractmethod
    def alive(self, pid: int) -> bool:
        """Whether the process runs."""

    @abstractmethod
    def terminate(self, pid: int) -> None:
        """End the process; no error when it has ended."""

    def push(self, source: Path, name: str, *, executable: bool = False, timeout_s: float = 300) -> str:
        """Copy a file; the runner compares size and digest, and gives it its name only then.

        Raises:
            TransferError: `source` cannot be read, or did not arrive whole.
        """
        del executable  # an iPhone runs no pushed programs; a simulator's files keep no mode either
        try:
            size, digest = source.stat().st_size, file_digest(source)
        except OSError as error:
            raise TransferError(f"{source} cannot be read: {error.strerror}.", serial=self.serial) from error
        part, target = f"{self.workspace}/.part", f"{self.workspace}/{name}"
        if not self._touched:
            # The first launch makes the workspace; not every tool makes folders on the way to a file.
            self.run(["clock"], timeout_s=timeout_s)
        self.copy_to(source, part)
        result = self.run(["receive", part, target, str(size), digest], timeout_s=timeout_s)
        if result.returncode != 0:
            raise TransferError(
                f"{source} did not arrive whole on {self.serial}: {result.errors.strip()}", serial=self.serial
            )
        return target

    def pull(self, path: str, destination: Path, *, timeout_s: float = 300) -> None:
        """Copy a file of the container here."""
        del timeout_s
        self.copy_from(path, destination)

    def run(self, command: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run a command of the runner app to its end."""
        return self.start(command, env=env).wait(timeout_s)

    def start(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> AppProcess:
        """Launch the runner app with a command.

        Raises:
            DeviceError: an earlier command still runs, or the session is closed.
        """
        if self._closed:
            raise DeviceError("This session is closed; open the device again.", serial=self.serial)
        if any(process.running and process.poll() is None for process in self._started):
            raise DeviceError("The runner app is busy: it runs one command at a time.", serial=self.serial)
        self._launches += 1
        self._touched = True
        session = f"{self.workspace}/.run-{self._launches}"
        pid = self.launch(["--session", session, "--", *command], env or {})
        process = AppProcess(self, pid, session, command)
        self._started = [process]
        return process

    def clock_offset(self) -> ClockOffset:
        """Asks the runner for its clock; launching an app takes seconds, and the uncertainty says so."""
        before = time.monotonic()
        result = self.run(["clock"], timeout_s=60)
        after = time.monotonic()
        try:
            there = float(json.loads(result.stdout))
            if not math.isfinite(there):
                raise ValueError(there)
        except (TypeError, ValueError, OverflowError) as error:
            raise CommandFailedError(
                f"The runner gave no clock: {result.errors.strip()}", serial=self.serial
            ) from error
        return ClockOffset(offset_s=there - (before + after) / 2, uncertainty_s=(after - before) / 2)

    def close(self) -> None:
        """End what runs and have the runner remove the workspace; nothing can be started afterwards."""
        self._closed = True
        try:
            while self._started:
                process = self._started.pop()
                if process.running:
                    process.kill()
        finally:
            # Also after a failed kill: this launch ends an earlier one.
            if self._touched:
                self._touched = False
                self._await_end(self.launch(["--remove", self.workspace], {}))

    def __enter__(self) -> Self:
        """Use the device for one session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; an error of the session is more telling than one of clearing up after it."""
        del error, trace
        with contextlib.suppress(DeviceError) if kind else contextlib.nullcontext():
            self.close()

    def _await_end(self, pid: int, timeout_s: float = 30) -> None:
        end = time.monotonic() + timeout_s
        while self.alive(pid):
            if time.monotonic() > end:
                self.terminate(pid)
                raise CommandTimeoutError(f"{self.serial}: the runner app did not clear up.", serial=self.serial)
            time.sleep(FIRST_POLL_S)
