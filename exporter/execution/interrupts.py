"""Remembers that Ctrl-C was pressed, for libraries that turn the KeyboardInterrupt into an error of their own."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_seen: list[int] = []


def interrupted() -> bool:
    """Whether Ctrl-C was pressed inside the `noticing_interrupts` that one is in."""
    return bool(_seen)


@contextmanager
def noticing_interrupts() -> Iterator[None]:
    """Note every Ctrl-C, which is raised as ever."""

    def note(number: int, frame: FrameType | None) -> None:
        _seen.append(number)
        signal.default_int_handler(number, frame)

    # Only the main thread may set handlers; a shell that ignores Ctrl-C for its background jobs is left its way.
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        yield
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        _seen.clear()
