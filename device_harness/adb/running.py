"""A program that runs on a device behind adb."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, Self, TypeVar

from device_harness.adb import client as adb_client
from device_harness.adb.client import AdbClient
from device_harness.errors import CommandTimeoutError, DeviceError, UnreadableOutputError
from device_harness.facts import CommandResult

Number = TypeVar("Number", int, float)


class Session(Protocol):
    """What a running program needs of the session that started it."""

    @property
    def serial(self) -> str:
        """Of the device."""
        ...

    @property
    def client(self) -> AdbClient:
        """The adb program for it."""
        ...

    def script(self, command: Sequence[str], env: Mapping[str, str], token: str) -> str:
        """What `adb shell` gets."""
        ...

    def kill_marked(self, token: str) -> None:
        """Kill every process on the device that was started under this token."""
        ...

    def lost(self, words: str) -> DeviceError:
        """The error of a command whose end was not seen."""
        ...


def number(serial: str, words: Sequence[str], what: str, kind: Callable[[str], Number]) -> Number:
    """The first of `words` as a number.

    Raises:
        UnreadableOutputError: it is none; a device whose output is garbled gives no figures.
    """
    try:
        return kind(words[0])
    except (ValueError, IndexError) as error:
        told = " ".join(words)[:80]
        raise UnreadableOutputError(f"{serial}: {what} is {told!r}, no number.", serial=serial) from error


class AdbProcess:
    """Implements `RunningProcess` for a program on a device behind adb."""

    def __init__(self, session: Session, command: Sequence[str], env: Mapping[str, str] | None) -> None:
        self._session = session
        self._command = tuple(command)
        self._token = uuid.uuid4().hex
        self._began = time.monotonic()
        self._client = session.client.start("shell", session.script(self._command, env or {}, self._token))
        self._ended = False
        self._finished: CommandResult | None = None
        self.pid = 0

    def await_pid(self) -> Self:
        """Wait until the program runs on the device, and learn its number."""
        end = time.monotonic() + adb_client.CONTROL_LIMIT_S
        while not self.pid:
            words = self._client.errors_so_far().partition("\n")
            if words[1] and words[0].startswith(self._token):
                self.pid = number(self._session.serial, words[0].split()[1:], "the number of a process", int)
            elif self._client.poll() is not None:
                raise self._session.lost(self._client.output_so_far() + self._client.errors_so_far())
            elif time.monotonic() > end:
                self._client.close()
                raise CommandTimeoutError(
                    f"{self._session.serial}: {self._command[0]} was not started within "
                    f"{adb_client.CONTROL_LIMIT_S:g} s.",
                    serial=self._session.serial,
                )
            else:
                time.sleep(0.02)
        return self

    def poll(self) -> int | None:
        """The return code when it has ended, else None."""
        if self._finished is None and self._client.poll() is not None:
            self._finished = self._result(self._client.wait(1))
        return self._finished.returncode if self._finished else None

    def wait(self, timeout_s: float) -> CommandResult:
        """See `RunningProcess.wait`."""
        if self._finished is not None:
            return self._finished
        try:
            result = self._client.wait(timeout_s)
        except CommandTimeoutError:
            self.kill()
            raise CommandTimeoutError(
                f"{self._session.serial}: {self._command[0]} did not end within {timeout_s:g} s and was killed there.",
                serial=self._session.serial,
            ) from None
        self._finished = self._result(result)
        return self._finished

    def kill(self) -> None:
        """Kill on the device, then end the client."""
        try:
            if not self._ended:
                self._session.kill_marked(self._token)
                self._ended = True
        finally:
            self._client.close()

    def close(self) -> None:
        """End the client alone; the device's guard or `kill` ends the program."""
        self._client.close()

    def _result(self, result: CommandResult) -> CommandResult:
        """Cut the announcements from standard error; without the last one the connection was lost."""
        head, _, rest = result.stderr.partition(b"\n")
        body, found, code = rest.rpartition(f"\n{self._token} ".encode())
        if not head.startswith(self._token.encode()) or not found:
            raise self._session.lost(result.text[-200:] + result.errors[-500:])
        self._ended = True
        self._client.close()
        return CommandResult(
            command=self._command,
            returncode=number(self._session.serial, code.decode("ascii", "replace").split(), "a return code", int),
            stdout=result.stdout,
            stderr=body,
            duration_s=time.monotonic() - self._began,
        )
