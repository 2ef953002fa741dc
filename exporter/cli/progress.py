"""Shows progress on standard error, only on a terminal."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from exporter.data.progress import Advance, Progress, Silent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


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


def progress() -> Progress:
    """What fits standard error."""
    return Terminal() if sys.stderr.isatty() else Silent()
