"""Shows progress on standard error, only on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.data.progress import Advance, Progress, Silent


class Terminal:
    """A line a stage, with a bar when the stage counts."""

    def __init__(self) -> None:
        from exporter.report.text.console import plain_console

        self.console = plain_console(stderr=True)

    @contextmanager
    def stage(self, text: str) -> Iterator[Advance]:
        """Show `text` and how far it is until the stage ends."""
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Bars(*columns, console=self.console, transient=True) as bars:
            task = bars.add_task(text, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)

    def note(self, text: str) -> None:
        """Print a sentence above the bars."""
        self.console.print(text)


def progress() -> Progress:
    """What fits standard error."""
    return Terminal() if sys.stderr.isatty() else Silent()
