"""Clock: time as a session sees it; passed in, so that tests need not wait and Ctrl-C ends every wait."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

from device_harness.errors import DeviceError


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> float:
        """Seconds of this machine's monotonic clock."""
        ...

    def utc(self) -> datetime:
        """The time of day, with time zone."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after `seconds`.

        Raises:
            StoppedError: the session is to end.
        """
        ...


class StoppedError(DeviceError):
    """Ctrl-C was pressed while something was waited for."""


class SystemClock:
    """This machine's; `stop` ends every wait."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> float:
        """`time.monotonic`."""
        return time.monotonic()

    def utc(self) -> datetime:
        """`datetime.now`."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """See `Clock.wait`."""
        if self._stopped.wait(seconds):
            raise StoppedError("it was interrupted")

    def stop(self) -> None:
        """End every wait, those to come too."""
        self._stopped.set()
