"""Finder: a way to devices (adb, devicectl, simctl ...); each kind of device has one, with a row in the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from device_harness.errors import DeviceError, DeviceUnauthorizedError
from device_harness.facts import DeviceInfo, DeviceState
from device_harness.protocol import Device


@dataclass(frozen=True)
class DeviceKind:
    """What formats and people must know of a kind of device.

    Attributes:
        name: see `DeviceInfo.kind`.
        noun: one of them, without an article: ``device behind adb``.
        nouns: all of them in a sentence.
        runs: any program by its path, or the runner's app and what stands for it on a Mac.
        here: whether it is this machine.
    """

    name: str
    noun: str
    nouns: str
    runs: Literal["programs", "apps"]
    here: bool = False

    @property
    def one(self) -> str:
        """One of them in a sentence: ``an Apple device``, ``this Mac``."""
        if self.here:
            return f"this {self.noun}"
        return f"{'an' if self.noun[0] in 'AEIOU' else 'a'} {self.noun}"


@dataclass(frozen=True)
class Found:
    """A device that was seen.

    Attributes:
        info: what the listing tells.
        open: begins a session on it.
        ask: gives all that is known of it, where the listing tells little; it may raise `DeviceError`.
        identity: what two ways to the same device have in common; None where nothing is sure to be its own.
    """

    info: DeviceInfo
    open: Callable[[], Device]
    ask: Callable[[], DeviceInfo] | None = None
    identity: Callable[[DeviceInfo], str | None] = lambda info: None

    def session(self) -> Device:
        """A session on it.

        Raises:
            DeviceError: it is not ready, with what to do; or it cannot be used.
        """
        if self.info.state is not DeviceState.READY:
            kind = DeviceUnauthorizedError if self.info.state is DeviceState.UNAUTHORIZED else DeviceError
            told = f"{self.info.model or self.info.serial} is {self.info.state}. {self.info.advice}"
            raise kind(told, serial=self.info.serial)
        return self.open()


class Finder(Protocol):
    """Looks for the devices of one tool.

    Attributes:
        name: of the tool, for messages.
        kinds: that its devices are of.
    """

    name: str
    kinds: tuple[DeviceKind, ...]

    def find(self) -> Sequence[Found]:
        """The devices that it knows now; none where its tool is not installed and most machines do without.

        Raises:
            DeviceError: the tool is missing where it is wanted, or failed; the message says what to do.
        """
        ...

    def reach(self, serial: str) -> Callable[[], Device] | None:
        """How a device is opened that is not listed, such as an address; None where only listed ones can be."""
        ...
