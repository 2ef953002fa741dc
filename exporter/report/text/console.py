"""The one way to rich: what is laid out is text, so that no name can be taken for markup, an emoji or a cursor move."""

import io
from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from exporter.report.cells import printable
from exporter.report.renderer import PAPER_COLUMNS, View

Cell = str | Text


def plain_console(*, stderr: bool = False) -> Console:
    """A console that takes text as it is, for progress; styles go with `rich.text.Text` or ``style=``."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def laid_out(items: Iterable[RenderableType], view: View) -> str:
    """`items`, one below the other, for a terminal as `view` describes it.

    In files a sentence is a line: no name can have it broken so that the next line is a command of a CI system.
    """
    stream = io.StringIO()
    console = Console(
        file=stream, width=view.columns, force_terminal=view.colour, markup=False, emoji=False, highlight=False
    )
    paper = view.columns >= PAPER_COLUMNS
    for item in items:
        console.print(item, soft_wrap=paper and isinstance(item, Text))
    return stream.getvalue()


def words(text: str, style: str = "") -> Text:
    """`text` as it is, without what would move the cursor."""
    return Text(printable(text), style)


def warning(subject: str, sentence: str) -> Text:
    """A line about `subject`."""
    return Text.assemble(("warning", "yellow"), printable(f" {subject}: {sentence}"))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """A table; a column whose name begins with ``>`` holds figures and is set to the right."""
    made = Table(title=words(title), title_justify="left")
    for name in columns:
        made.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
    for row in rows:
        made.add_row(*(words(cell) if isinstance(cell, str) else cell for cell in row))
    return made
