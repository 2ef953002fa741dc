"""A device for one session: leased in every way that there is, opened, and kept until the block ends."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from device_harness.errors import DeviceBusyError, DeviceError, LeaseLostError
from device_harness.lease import Held, Lease, new_lease, ways
from device_harness.leases import on_device
from device_harness.protocol import Device

BEAT_S = 10.0
# Asking a device whether it is free disturbs who measures there: seldom.
LOOK_S = 10.0
NO_RECORD = "the device keeps no lease: only this host knows that it is in use"
Opener = Callable[[str], Device]
Taken = TypeVar("Taken")


class Passing(Protocol):
    """A clock; see `profilers.clock.Clock`."""

    def now(self) -> float:
        """Seconds."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or raise where the session is to end."""
        ...


class Terms(NamedTuple):
    """How a lease is asked for.

    Attributes:
        longest_s: after which the owner stops, whatever it does.
        wait_s: longest time to wait for whoever has the device; 0 refuses at once.
        say: told once when it waits.
    """

    longest_s: float
    wait_s: float = 0.0
    say: Callable[[str], None] = lambda words: None


class Keeper:
    """Renews leases while a session lasts; the session ends when one is lost.

    Attributes:
        note: what must be said of the leases; None where there is nothing.
    """

    note: str | None = None

    def __init__(self, device: Device, lease: Lease, held: list[Held], clock: Passing) -> None:
        self._device, self._lease, self._held, self._clock = device, lease, held, clock
        self._end = clock.now() + lease.longest_s
        self._lost: LeaseLostError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def check(self) -> None:
        """Renew now.

        Raises:
            LeaseLostError: the device is not this session's any more.
            DeviceError: the connection is lost.
        """
        if self._lost is None:
            try:
                self._renew()
            except LeaseLostError as error:
                self._lost = error
        if self._lost is not None:
            raise self._lost

    def __enter__(self) -> "Keeper":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _renew(self) -> None:
        if self._clock.now() > self._end:
            raise LeaseLostError(
                f"{self._lease.serial}: the time of its lease ({self._lease.longest_s:.0f} s) is over.",
                serial=self._lease.serial,
            )
        for held in self._held:
            held.check()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            try:
                self.check()
            except LeaseLostError:
                with contextlib.suppress(DeviceError):
                    self._device.close()  # ends what runs there, which the session is waiting for
                return
            except DeviceError:
                continue  # the session sees the same loss


@dataclass(frozen=True)
class Leased:
    """An open device and what keeps it."""

    device: Device
    keeper: Keeper


@contextlib.contextmanager
def leased(serial: str, known_as: str, opener: Opener, terms: Terms, clock: Passing) -> Iterator[Leased]:
    """The device, for this session alone.

    Args:
        serial: as it is asked for.
        known_as: the one name that every session on this host knows it by.
        opener: opens it by its serial, or by the address that a farm gives.
        terms: how long, and whether to wait.
        clock: whose waits Ctrl-C ends.

    Raises:
        DeviceBusyError: somebody else uses it.
        DeviceError: it cannot be used; the type and message say why.
    """
    lease = new_lease(known_as, terms.longest_s)
    patience = _Patience(terms, clock)
    with contextlib.ExitStack() as stack:
        held: list[Held] = []
        for way in ways():
            found = patience.take(lambda way=way: way.take(lease), 1.0)  # type: ignore[misc]
            if found is not None:
                stack.callback(_give_back, found, terms)
                held.append(found)
        address = next((one.address for one in held if one.address), serial)
        device = stack.enter_context(opener(address))
        mine = patience.take(lambda: on_device.take(device, lease), LOOK_S)
        keeper = Keeper(device, lease, held if mine is None else [*held, mine], clock)
        if mine is None and device.can.restoring is not None:
            keeper.note = NO_RECORD
        yield Leased(device, stack.enter_context(keeper))


def _give_back(held: Held, terms: Terms) -> None:
    """What was measured stays, whatever becomes of the lease."""
    try:
        held.release()
    except DeviceError as error:
        terms.say(str(error))


class _Patience:
    """Waits for whoever has a device, at most as long as the terms say in all."""

    def __init__(self, terms: Terms, clock: Passing) -> None:
        self._terms, self._clock, self._told = terms, clock, False
        self._end = clock.now() + terms.wait_s

    def take(self, attempt: Callable[[], Taken], pause_s: float) -> Taken:
        while True:
            try:
                return attempt()
            except DeviceBusyError as error:
                left = self._end - self._clock.now()
                if left <= 0:
                    raise
                if not self._told:
                    self._terms.say(f"waiting for at most {left:.0f} s: {error}")
                    self._told = True
                self._clock.wait(min(pause_s, left))
