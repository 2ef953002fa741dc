"""Shows progress on standard error: bars on a terminal, lines elsewhere."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

import click

from exporter.data.progress import Advance, Progress, Silent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

QUIET = "exporter.quiet"
"""Key of a command's context: whether it was called with ``-q``."""
_EVERY_S = 30.0
_PATIENCE_S = 1.0


class Terminal:
    """A line a stage, with a bar when the stage counts."""

    def __init__(self) -> None:
        from exporter.report.text.console import plain_console

        self.console = plain_console(stderr=True)
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._stages = 0

    @contextmanager
    def stage(self, text: str) -> Iterator[Advance]:
        """Show `text` and how far it is until the stage ends; several threads may each be in one."""
        bars = self._entered()
        task = bars.add_task(text, total=None)
        try:
            yield lambda done, total: bars.update(task, completed=done, total=total)
        finally:
            bars.remove_task(task)
            self._left()

    def _entered(self) -> "Bars":
        """The bars, which a terminal has once; the first stage shows them."""
        with self._lock:
            if self._bars is None:
                self._bars = self._new_bars()
                self._bars.start()
            self._stages += 1
            return self._bars

    def _left(self) -> None:
        with self._lock:
            self._stages -= 1
            if self._stages == 0 and self._bars is not None:
                self._bars.stop()
                self._bars = None

    def _new_bars(self) -> "Bars":
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        return Bars(*columns, console=self.console, transient=True)

    def note(self, text: str) -> None:
        """Print a sentence above the bars."""
        self.console.print(text)


class Lines:
    """A line a stage that takes a while, and one every half minute of a stage that counts, with the seconds until then.

    Args:
        stream: what is written to; one that takes no more is no error, since no result is lost.
        clock: in seconds.
        patience_s: stages that end sooner are not told.
    """

    def __init__(
        self, stream: IO[str], clock: Callable[[], float] = time.monotonic, patience_s: float = _PATIENCE_S
    ) -> None:
        self._stream, self._clock, self._start, self._patience_s = stream, clock, clock(), patience_s

    @contextmanager
    def stage(self, text: str) -> Iterator[Advance]:
        """Tell of it unless it ends at once; several threads may each be in one."""
        begun = self._clock()
        teller = threading.Timer(self._patience_s, self._write, (begun, text))
        teller.daemon = True
        teller.start()
        try:
            yield self._counted(text, begun)
        finally:
            teller.cancel()

    def note(self, text: str) -> None:
        """Write a line."""
        self._write(self._clock(), text)

    def _counted(self, text: str, begun: float) -> Advance:
        said = begun

        def advance(done: int, total: int) -> None:
            nonlocal said
            now = self._clock()
            if now - said >= _EVERY_S:
                said = now
                self._write(now, f"{text}: {done} of {total}")

        return advance

    def _write(self, when: float, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(f"{when - self._start:7.1f} s  {text}\n")
            self._stream.flush()


def progress() -> Progress:
    """What fits standard error, or nothing where the command was called with ``-q``."""
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(QUIET):
        return Silent()
    if sys.stderr.isatty():
        return Terminal()
    try:  # a descriptor of its own: libraries are silenced by taking the other one away
        return Lines(os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace"))
    except (OSError, ValueError):  # closed, or none of the system's
        return Silent()
