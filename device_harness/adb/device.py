"""A device behind adb: Android phones and emulators, and Linux boards with adbd. Speaks through the adb client program.

Facts that shape this file (measured with adb 29 and 34 against adbd 34): ending the client does not end the program on
the device; `adb connect` reports refusal with exit code 0; a cut connection and a program's own code 255 look alike.
So every command runs under a marker in its environment, by which it is found and killed, and announces its own end on
standard error: without that line the end was not seen.
"""

import contextlib
import shlex
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

from device_harness import process
from device_harness.adb import client as adb_client
from device_harness.adb import errors as adb_errors
from device_harness.adb import scripts
from device_harness.adb.android import AndroidSystem
from device_harness.adb.client import AdbClient
from device_harness.adb.facts import adb_info
from device_harness.adb.running import AdbProcess, number
from device_harness.digests import file_digest
from device_harness.errors import (
    DeviceDisconnectedError,
    DeviceError,
    DeviceNotFoundError,
    DeviceRebootedError,
    DeviceUnauthorizedError,
    TransferError,
    UnreadableOutputError,
)
from device_harness.facts import ClockOffset, CommandResult, DeviceInfo
from device_harness.protocol import Capabilities

# Longer than a session waits for the device to come back.
GUARD_GRACE_S = 60
Result = TypeVar("Result")


class AdbDevice:
    """Implements `Device` over adb."""

    def __init__(self, serial: str, *, program: str | None = None) -> None:
        """Connect, clear up after sessions that were lost, make a workspace and set a guard on the device.

        Raises:
            DeviceError: it cannot be used; the type and message say why.
        """
        self.serial = serial
        self.client = AdbClient(serial, program)
        self._token = uuid.uuid4().hex
        self._started: list[AdbProcess] = []
        self._closed = False
        self._guard: process.Process | None = None
        self._info: DeviceInfo | None = None
        if "shell_v2" not in self._features().split():
            raise DeviceError(
                f"{serial}: its adb is too old to return exit codes. Android 7 or newer is needed.", serial=serial
            )
        self.workspace = ""
        self._boot_id = ""
        words = self._set_guard().split()
        if len(words) < 2:
            raise UnreadableOutputError(f"{serial}: it did not tell its boot id but {words!r}.", serial=serial)
        self.workspace, self._boot_id = words[0], words[1]

    def _features(self) -> str:
        try:
            return self.client.call("features").text
        except DeviceNotFoundError:
            if ":" not in self.serial:
                raise
            self.client.reconnect()
            return self.client.call("features").text

    def info(self) -> DeviceInfo:
        """What getprop and uname tell."""
        if self._info is None:
            self._info = self._again(lambda: adb_info(self.serial, self.client))
        return self._info

    @property
    def can(self) -> Capabilities:
        """A shell; on Android its services too."""
        if not (self.info().os or "").startswith("Android"):
            return Capabilities(shell=self, restoring=self, resuming=self)
        system = AndroidSystem(self, self)
        return Capabilities(
            shell=self,
            restoring=self,
            resuming=self,
            thermal=system,
            battery=system,
            screen=system,
            tracing=system,
            ledger=system,
        )

    def push(self, source: Path, name: str, *, executable: bool = False, timeout_s: float = 300) -> str:
        """See `Device.push`; repeated once when the connection was lost and came back."""
        if not source.is_file():
            raise TransferError(f"{source} is not a file that can be pushed.", serial=self.serial)
        return self._again(lambda: self._push(source, name, executable, timeout_s))

    def pull(self, path: str, destination: Path, *, timeout_s: float = 300) -> None:
        """See `Device.pull`; repeated once when the connection was lost and came back."""
        with tempfile.TemporaryDirectory(dir=destination.absolute().parent) as folder:
            partial = Path(folder, "pulled")
            self._again(lambda: self._checked_transfer("pull", path, str(partial), timeout_s))
            partial.replace(destination)

    def run(self, command: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        """See `Device.run`; never repeated, because it may have had an effect."""
        running = AdbProcess(self, command, env)
        try:
            return running.wait(timeout_s)
        except BaseException:
            with contextlib.suppress(DeviceError):
                running.kill()
            raise

    def start(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> AdbProcess:
        """See `Device.start`."""
        running = AdbProcess(self, command, env)
        self._started.append(running)
        return running.await_pid()

    def clock_offset(self) -> ClockOffset:
        """From the tightest of five exchanges of /proc/uptime, which counts hundredths of a second."""
        best: ClockOffset | None = None
        for _ in range(5):
            before = time.monotonic()
            text = self._again(lambda: self.client.call("shell", "cat /proc/uptime").text)
            after = time.monotonic()
            device_s = number(self.serial, text.split(), "its uptime", float)
            found = ClockOffset(offset_s=device_s - (before + after) / 2, uncertainty_s=(after - before) / 2 + 0.01)
            best = found if best is None or found.uncertainty_s < best.uncertainty_s else best
        assert best is not None
        return best

    def on_leaving(self, command: str) -> None:
        """Have the device run this shell command when the session ends, however it ends; the last given runs first.

        Raises:
            DeviceError: it could not be written down; then nothing may be changed that it would undo.
        """
        self.client.call("shell", scripts.remember(self.workspace, command))

    def resume(self, limit_s: float) -> None:
        """See `Resuming.resume`."""
        end = time.monotonic() + limit_s
        while True:
            try:
                self._come_back()
                self.client.call("shell", scripts.kill(self._token))
                return
            except (DeviceDisconnectedError, DeviceNotFoundError):
                if time.monotonic() > end:
                    raise

    def close(self) -> None:
        """See `Device.close`; when the connection is lost, the guard on the device does the same."""
        if self._closed:
            return
        self._closed = True
        try:
            self._again(lambda: self.client.call("shell", scripts.leave(self.workspace, self._token)))
        except DeviceError:
            # The guard sees the same loss and clears up by itself.
            pass
        finally:
            for running in self._started:
                running.close()
            if self._guard is not None:
                self._guard.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def script(self, command: Sequence[str], env: Mapping[str, str], token: str) -> str:
        """What `adb shell` gets: `command` as data, with its beginning and end announced on standard error."""
        return scripts.marked(self.workspace, command, env, self._token, token)

    def kill_marked(self, token: str) -> None:
        """Kill every process on the device that was started under this token."""
        self._again(lambda: self.client.call("shell", scripts.kill(f"{self._token}.{token}")))

    def lost(self, words: str) -> DeviceError:
        """The error of a command whose end was not seen."""
        error = adb_errors.classify(self.serial, "the connection while a command ran", words)
        return error if isinstance(error, DeviceUnauthorizedError) else adb_errors.disconnected(self.serial, words)

    def _again(self, operation: Callable[[], Result]) -> Result:
        """Do it; when the connection is lost, wait for it to come back and do it once more."""
        try:
            return operation()
        except (DeviceDisconnectedError, DeviceNotFoundError) as error:
            self._come_back(error)
            return operation()

    def _come_back(self, error: DeviceError | None = None) -> None:
        self.client.reconnect()
        boot_id = self.client.call("shell", "cat /proc/sys/kernel/random/boot_id").text.strip()
        if boot_id != self._boot_id:
            raise DeviceRebootedError(
                f"{self.serial} started anew during the session. Wait until it is up and run again.",
                serial=self.serial,
            ) from error
        if not self._closed:
            self._set_guard()

    def _set_guard(self) -> str:
        """Leave a process on the device that clears up when this session is gone; returns what it said.

        The first one makes the workspace and says where it is before the boot id; later ones say the boot id.
        """
        if self._guard is not None:
            self._guard.close()
        script = scripts.guard(
            self.workspace,
            opening=not self.workspace,
            lease=uuid.uuid4().hex,
            grace_s=GUARD_GRACE_S,
            token=self._token,
        )
        self._guard = self.client.start("shell", script, hold_stdin=True)
        end = time.monotonic() + adb_client.CONTROL_LIMIT_S
        while "guarding" not in self._guard.output_so_far():
            if self._guard.poll() is not None or time.monotonic() > end:
                words = self._guard.errors_so_far()
                self._guard.close()
                raise adb_errors.classify(self.serial, "making a folder in /data/local/tmp or /tmp", words)
            time.sleep(0.02)
        return self._guard.output_so_far()

    def _push(self, source: Path, name: str, executable: bool, timeout_s: float) -> str:
        target = f"{self.workspace}/{name}"
        partial = f"{target}.part"
        try:
            self._checked_transfer("push", str(source.absolute()), partial, timeout_s)
            script = scripts.receive(partial, target, file_digest(source), executable=executable)
            if "damaged" in self.client.call("shell", script, timeout_s=timeout_s).text:
                raise TransferError(
                    f"{self.serial}: {source.name} arrived damaged. Try again; then check cable and storage.",
                    serial=self.serial,
                )
        except DeviceDisconnectedError:
            raise
        except DeviceError:
            self.client.call("shell", f"rm -f {shlex.quote(partial)}", check=False)
            raise
        return target

    def _checked_transfer(self, verb: str, source: str, target: str, timeout_s: float) -> None:
        result = self.client.call(verb, source, target, timeout_s=timeout_s, check=False)
        if result.returncode != 0:
            raise adb_errors.classify_transfer(self.serial, verb, source, result.text + result.errors)
