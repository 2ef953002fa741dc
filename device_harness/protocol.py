"""Device: the protocol that every place where a model can run implements, and its data types."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict

from device_harness.words import decode


class DeviceState(StrEnum):
    """Whether a device can be used now."""

    READY = "ready"
    OFFLINE = "offline"
    UNAUTHORIZED = "unauthorized"
    UNAVAILABLE = "unavailable"


class DeviceInfo(BaseModel):
    """What is known of one device.

    Attributes:
        serial: what `--device` takes; ``local`` for this machine.
        kind: ``local``, ``adb``, ``ios``, ``simulator`` or ``mac``.
        state: whether it can be used now.
        advice: what to do when it cannot; None when it is ready.
        model: the maker's name of it, where it tells.
        os: operating system with version, for example ``Android 14`` or ``Linux 6.1``.
        architecture: ``arm64``, ``x86_64`` ..., or None where unknown.
        soc: system on a chip, where it tells.
        cpus: logical CPUs, where it tells.
        connection: ``here``, ``usb``, ``tcp`` or ``network``; None where unknown.
        environment: ``device``; readings of an ``emulator`` or ``simulator`` are never compared with a device's.
        facts: anything else that identifies the build (fingerprint, kernel, security patch ...).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    serial: str
    kind: str
    state: DeviceState = DeviceState.READY
    advice: str | None = None
    model: str | None = None
    os: str | None = None
    architecture: str | None = None
    soc: str | None = None
    cpus: int | None = None
    connection: str | None = None
    environment: str = "device"
    facts: dict[str, str] = {}


class CommandResult(BaseModel):
    """A command that ended.

    Attributes:
        command: program and arguments as asked for.
        returncode: the program's own, also on a device; negative for the signal that ended a local one.
        stdout: bytes, undecoded.
        stderr: bytes, undecoded.
        duration_s: wall-clock time as seen from this machine, the transport's included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes
    duration_s: float

    @property
    def text(self) -> str:
        """Standard output as printable text: what is not UTF-8 is replaced, NUL bytes and escapes are left out."""
        return decode(self.stdout)

    @property
    def errors(self) -> str:
        """Standard error, likewise."""
        return decode(self.stderr)


class ClockOffset(BaseModel):
    """How to place times of the device's monotonic clock on this machine's.

    Attributes:
        offset_s: device clock minus this machine's `time.monotonic`, in seconds.
        uncertainty_s: half the round trip of the exchange that gave it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    offset_s: float
    uncertainty_s: float

    def to_host(self, device_s: float) -> float:
        """A time of the device's clock on this machine's `time.monotonic`."""
        return device_s - self.offset_s


class RunningProcess(Protocol):
    """A process that was started on a device and may still run.

    Attributes:
        pid: its number on the device.
    """

    pid: int

    def poll(self) -> int | None:
        """The return code when it has ended, else None."""
        ...

    def wait(self, timeout_s: float) -> CommandResult:
        """Its result when it ends within `timeout_s`.

        Raises:
            CommandTimeoutError: it did not; it is killed on the device first.
            DeviceDisconnectedError: the connection was lost.
        """
        ...

    def kill(self) -> None:
        """End it on the device, with every process that it started. No error when it has ended already."""
        ...


@runtime_checkable
class Device(Protocol):
    """A place where programs can be put, run and read.

    Every implementation passes `tests/device_harness/contract.py`. The obligations:

    - It is a context manager. On leaving, whether by return, error or Ctrl-C, no file that it pushed and no process
      that it started is left on the device; `close` may be called again.
    - Arguments and paths are data: no argument, file name or serial, whatever its characters, is read by a shell.
    - `run` gives the program's own return code and both its streams apart; a code other than 0 is no error.
    - Everything ends: at the latest `timeout_s` (and a few seconds for clearing up) after it began.
    - What went wrong is told by the exception's type: `DeviceNotFoundError`, `DeviceUnauthorizedError`,
      `DeviceDisconnectedError`, `DeviceRebootedError`, `StorageFullError`, `TransferError`, `CommandTimeoutError`.
      Its message names the device and says what to do. An operation that may have had an effect is never repeated
      silently; reading and pushing are repeated when the connection comes back.
    - A pushed file is compared by size and digest with what was sent, and appears whole or not at all.
    - Times are of the device's own monotonic clock; `clock_offset` relates it to this machine's.
    """

    @property
    def serial(self) -> str:
        """The name that `--device` takes."""
        ...

    @property
    def workspace(self) -> str:
        """A folder on the device, made for this session and removed with it; programs run in it."""
        ...

    def info(self) -> DeviceInfo:
        """What is known of the device; asked once a session."""
        ...

    def push(self, source: Path, name: str, *, executable: bool = False, timeout_s: float = 300) -> str:
        """Copy the file `source` to `workspace`/`name`, and return that path on the device."""
        ...

    def pull(self, path: str, destination: Path, *, timeout_s: float = 300) -> None:
        """Copy the file `path` of the device to `destination`."""
        ...

    def run(self, command: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run a program with arguments, in `workspace`, with `env` added to its environment."""
        ...

    def start(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> RunningProcess:
        """Start a program and return at once."""
        ...

    def clock_offset(self) -> ClockOffset:
        """Relate the device's monotonic clock to this machine's."""
        ...

    def close(self) -> None:
        """Kill what runs and remove what was pushed."""
        ...

    def __enter__(self) -> Self:
        """Use the device for one session."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        ...
