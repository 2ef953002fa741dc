"""What is known of devices, and what comes of a command on one: frozen data."""

from enum import StrEnum

from device_harness.frozen import Frozen
from device_harness.words import decode


class DeviceState(StrEnum):
    """Whether a device can be used now."""

    READY = "ready"
    OFFLINE = "offline"
    UNAUTHORIZED = "unauthorized"
    UNAVAILABLE = "unavailable"


class DeviceInfo(Frozen):
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
        also: other serials under which the same device is reached now: a phone that is seen by cable and by Wi-Fi.
        facts: anything else that identifies the build (fingerprint, kernel, security patch ...).
    """

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
    also: tuple[str, ...] = ()
    facts: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that `--device` may call it: its serials, and an Apple device's name."""
        name = self.facts.get("name")
        return (self.serial, *self.also, *([name] if name else []))


class CommandResult(Frozen):
    """A command that ended.

    Attributes:
        command: program and arguments as asked for.
        returncode: the program's own, also on a device; negative for the signal that ended a local one.
        stdout: bytes, undecoded.
        stderr: bytes, undecoded.
        duration_s: wall-clock time as seen from this machine, the transport's included.
    """

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


class ClockOffset(Frozen):
    """How to place times of the device's monotonic clock on this machine's.

    Attributes:
        offset_s: device clock minus this machine's `time.monotonic`, in seconds.
        uncertainty_s: half the round trip of the exchange that gave it.
    """

    offset_s: float
    uncertainty_s: float

    def to_host(self, device_s: float) -> float:
        """A time of the device's clock on this machine's `time.monotonic`."""
        return device_s - self.offset_s
