"""Device: the protocol that every place where a model can run implements, and the capabilities that some have.

A device declares what it can in `Device.can`; nobody asks for its class. A new kind implements what it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from device_harness.facts import ClockOffset, CommandResult, DeviceInfo


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

    def close(self) -> None:
        """Free what is kept here of one that has ended."""
        ...


class Shell(Protocol):
    """Runs any program by its path; its files of /proc and /sys, where it has them, can be read by ``sh``."""

    @property
    def serial(self) -> str:
        """See `Device.serial`."""
        ...

    @property
    def workspace(self) -> str:
        """See `Device.workspace`."""
        ...

    def push(self, source: Path, name: str, *, executable: bool = False, timeout_s: float = 300) -> str:
        """See `Device.push`."""
        ...

    def pull(self, path: str, destination: Path, *, timeout_s: float = 300) -> None:
        """See `Device.pull`."""
        ...

    def run(self, command: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        """See `Device.run`."""
        ...

    def start(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> RunningProcess:
        """See `Device.start`."""
        ...


class RunsApps(Protocol):
    """Runs one installed app, the runner's, instead of programs.

    Attributes:
        platform: what the app must be built for: ``iOS``, ``tvOS Simulator`` ...; None where nothing can be built for
            it from here, so that a package that was signed elsewhere is installed.
    """

    @property
    def platform(self) -> str | None:
        """See the class."""
        ...

    def install(self, app: Path) -> str:
        """Install an .app or .ipa, starting the device where it must be; returns the app's identifier."""
        ...


class Restoring(Protocol):
    """Runs a command when the session ends, also when this machine is gone by then."""

    def on_leaving(self, command: str) -> None:
        """Have `command` run by the device's shell at the end; the last given runs first."""
        ...


class Resuming(Protocol):
    """A session goes on after its connection was lost, where the device has kept its files."""

    def resume(self, limit_s: float) -> None:
        """Wait for the device, end what still runs there of this session, and go on.

        Raises:
            DeviceRebootedError: it started anew meanwhile.
            DeviceError: it is not there after `limit_s`, or what was pushed is gone.
        """
        ...


class Thermal(Protocol):
    """Has a service that tells the thermal status and temperatures."""

    @property
    def thermal_command(self) -> Sequence[str]:
        """What `thermal_report` asks, for whoever samples it on the device."""
        ...

    def thermal_report(self) -> str:
        """Its words, for `profilers.parse.android.thermal`."""
        ...


class Battery(Protocol):
    """Has a service that tells of the battery."""

    def battery_report(self) -> str:
        """Its words, for `profilers.parse.android.battery`."""
        ...


class Screen(Protocol):
    """Has a display that can be switched off."""

    def screen_on(self) -> bool | None:
        """Whether it is lit; None when that is not told."""
        ...

    def darken(self) -> None:
        """Switch it off, and let it stay off while plugged in; the device undoes both when the session ends."""
        ...

    def light(self) -> None:
        """Switch it on; the device undoes it when the session ends."""
        ...


class PowerTracing(Protocol):
    """Records the energy of its power rails with Perfetto."""

    def trace_folder(self) -> str:
        """Where Perfetto may write on the device."""
        ...


class PowerLedger(Protocol):
    """Ascribes the battery's charge to users by a table of its maker."""

    def reset_ledger(self) -> None:
        """Begin to count anew."""
        ...

    def ledger(self) -> str:
        """Its words, for `profilers.parse.android.battery`."""
        ...

    @property
    def ledger_user(self) -> int:
        """The Linux user that the runner's work is ascribed to."""
        ...


class RailSampler(Protocol):
    """Has a program of this machine that samples its rails for a fixed time."""

    def rail_command(self, interval_s: float, count: int, output: Path) -> Sequence[str]:
        """The command that writes `count` samples to `output` as a stream of property lists."""
        ...


class BatteryStream(Protocol):
    """Has a program of this machine that prints the battery's state once a second until it is ended."""

    def battery_command(self) -> Sequence[str]:
        """The command."""
        ...


class Recordable(Protocol):
    """Can be recorded by Instruments.

    Attributes:
        recorded_as: what xctrace calls it; None for this Mac.
        has_power_table: whether Instruments' Power Profiler reads its battery.
    """

    @property
    def recorded_as(self) -> str | None:
        """See the class."""
        ...

    @property
    def has_power_table(self) -> bool:
        """See the class."""
        ...


@dataclass(frozen=True)
class Capabilities:
    """What a device can beside running its runner; None for what it cannot."""

    shell: Shell | None = None
    apps: RunsApps | None = None
    restoring: Restoring | None = None
    resuming: Resuming | None = None
    thermal: Thermal | None = None
    battery: Battery | None = None
    screen: Screen | None = None
    tracing: PowerTracing | None = None
    ledger: PowerLedger | None = None
    rails: RailSampler | None = None
    current: BatteryStream | None = None
    recording: Recordable | None = None


@runtime_checkable
class Device(Protocol):
    """A place where programs can be put, run and read.

    Every implementation passes `tests/contracts/devices.py`. The obligations:

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

    @property
    def can(self) -> Capabilities:
        """What it can beside what every device can; the same throughout a session."""
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
        """Run a program with arguments in `workspace`, or a command of the runner's app where `can.apps`."""
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
