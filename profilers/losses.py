"""What a session does when its device or lease is lost: it goes on when the device comes back, or keeps what it has."""

from collections.abc import Callable
from typing import Protocol

from device_harness.errors import (
    DeviceDisconnectedError,
    DeviceError,
    DeviceNotFoundError,
    DeviceRebootedError,
    DeviceUnauthorizedError,
    LeaseLostError,
)
from device_harness.protocol import Device

# The device is gone, or is another's: what was finished before is as good as ever.
GONE = (DeviceDisconnectedError, DeviceNotFoundError, DeviceRebootedError, DeviceUnauthorizedError, LeaseLostError)
# Of these it may come back. Shorter than a device waits before it clears up, and than a lease without heartbeats.
MAY_COME_BACK = (DeviceDisconnectedError, DeviceNotFoundError)
RETURN_LIMIT_S = 45.0
MOST_RETURNS = 5


class Holding(Protocol):
    """What gives a session the device for itself; see `device_harness.leases.session.Keeper`."""

    def check(self) -> None:
        """Whether it still does.

        Raises:
            LeaseLostError: it does not.
            DeviceError: that cannot be asked.
        """
        ...


class Unleased:
    """Implements `Holding` where nobody else could use the device."""

    def check(self) -> None:
        """Nothing."""


class Losses:
    """Carries out the parts of a session, each of them whole or not at all.

    Attributes:
        lease: of the device.
        end: why the session is over before its time; None while it is not.
        returns: how often the connection was lost and came back.
    """

    def __init__(self, device: Device, lease: Holding, say: Callable[[str], None]) -> None:
        self.lease = lease
        self.end: DeviceError | None = None
        self.returns = 0
        self._device, self._say = device, say

    def done(self, work: Callable[[], None]) -> bool:
        """Whether `work` was done; once more from its start where the connection was lost and came back.

        Raises:
            DeviceError: it failed, and device and lease are still there.
        """
        while self.end is None:
            try:
                work()
            except DeviceError as error:
                loss = self._loss(error)
                if loss is None:
                    raise
                self._await(loss)
            else:
                return True
        return False

    def _loss(self, error: DeviceError) -> DeviceError | None:
        """The loss that is behind an error: what runs on a device that is taken away fails in many ways."""
        if isinstance(error, GONE):
            return error
        try:
            self.lease.check()
        except GONE as loss:
            return loss
        except DeviceError:
            return None
        return None

    def _await(self, loss: DeviceError) -> None:
        """Wait until the device is there again, still this session's; else it is over."""
        resuming = self._device.can.resuming
        if not isinstance(loss, MAY_COME_BACK) or resuming is None or self.returns == MOST_RETURNS:
            self.end = loss
            return
        self._say(f"{self._device.serial}: the connection was lost; waiting {RETURN_LIMIT_S:g} s for it to come back")
        try:
            resuming.resume(RETURN_LIMIT_S)
            self.lease.check()
        except DeviceError as error:
            self.end = error
        else:
            self.returns += 1
