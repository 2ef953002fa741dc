"""Sizes and their verdicts as lines of text."""

from collections.abc import Iterator

from rich.console import RenderableType

from exporter.data.results.sizes import BudgetResult, SizeRow
from exporter.report.cells import one_line, text_table
from exporter.report.renderer import View
from exporter.report.sizes import size_cells
from exporter.report.summary import tally
from exporter.report.text.console import laid_out, words
from exporter.report.text.verdicts import verdict_items


def render(result: BudgetResult, view: View) -> str:
    """What did not pass, a table of the sizes, and how many gates passed."""
    if view.quiet:
        return laid_out(verdict_items(result.verdicts, view), view)
    return laid_out(_items(result, view), view)


def _items(result: BudgetResult, view: View) -> Iterator[RenderableType]:
    yield from verdict_items(result.verdicts, view)
    header = ["", "download", "", "install", ""]
    yield from map(words, text_table(header, [_cells(row) for row in result.rows], view.columns))
    for one in result.measurements:
        yield from (words(one_line(f"note: {one.subject}: {note}.")) for note in one.notes)
    if any(row.estimated for row in result.rows):
        yield words("~ estimated; `-f json` says how")
    if result.verdicts:
        yield words(tally(result.verdicts))


def _cells(row: SizeRow) -> list[str]:
    return [f"  {row.subject}" if row.inside else row.subject, *size_cells(row)]
