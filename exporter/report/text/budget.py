"""Sizes and their verdicts as lines of text."""

from collections.abc import Iterator

from exporter.data.results.sizes import BudgetResult, SizeRow
from exporter.data.verdict import Verdict
from exporter.report.cells import one_line, text_table
from exporter.report.renderer import View
from exporter.report.sizes import size_cells
from exporter.report.summary import excused, fails, status_word


def render(result: BudgetResult, view: View) -> str:
    """A table of the sizes, then a line a verdict, the worst first."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: BudgetResult) -> Iterator[str]:
    header = ["", "download", "", "install", ""]
    yield from text_table(header, [_cells(row) for row in result.rows])
    for one in result.measurements:
        yield from (one_line(f"note: {one.subject}: {note}.") for note in one.notes)
    if any(row.estimated for row in result.rows):
        yield "~ estimated; `-f json` says how"
    if result.verdicts:
        yield ""
    yield from map(_verdict, result.verdicts)


def _cells(row: SizeRow) -> list[str]:
    return [f"  {row.subject}" if row.inside else row.subject, *size_cells(row)]


def _verdict(verdict: Verdict) -> str:
    word = "FAILED" if fails(verdict) else status_word(verdict)
    return one_line(f"{word:11}  {verdict.subject}  {verdict.metric}: {excused(verdict)}")
