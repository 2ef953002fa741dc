"""Trends of kept runs, and the gate on the newest, as text."""

from collections.abc import Iterator

from rich.console import RenderableType

from exporter.data.results.history import GateResult, HistoryResult
from exporter.report.cells import one_line
from exporter.report.history import COLUMNS, change_words, grouped, missing_words, trend_row
from exporter.report.renderer import View
from exporter.report.summary import tally
from exporter.report.text.console import laid_out, table, words
from exporter.report.text.verdicts import verdict_items


def render(result: HistoryResult | GateResult, view: View) -> str:
    """Of a gate what did not pass, and trends where that is asked for; else a table a target, and every change."""
    if isinstance(result, GateResult):
        return laid_out(_gate(result, view), view)
    return laid_out(_trends(result, view), view)


def _gate(result: GateResult, view: View) -> Iterator[RenderableType]:
    yield from verdict_items(result.verdicts, view)
    if view.verbose:
        yield from _trends(result, view)
    if not view.quiet:
        yield words(one_line(f"{result.title}: {tally(result.verdicts)}"))


def _trends(result: HistoryResult | GateResult, view: View) -> Iterator[RenderableType]:
    for title, trends in grouped(result.trends):
        yield table(one_line(title), COLUMNS, [list(map(one_line, trend_row(trend))) for trend in trends])
        for trend in trends:
            yield from (
                words(one_line(f"  {change_words(trend.lane, one)}"), "red" if one.worse else "green")
                for one in trend.changes
            )
        yield from (words(one_line(f"  {one}")) for trend in trends for one in missing_words(trend))
        yield from (words(one_line(f"  {note}")) for note in _notes([trend.note for trend in trends]))


def _notes(notes: list[str]) -> list[str]:
    """Each once, with how many figures it is of."""
    counts = {note: notes.count(note) for note in notes if note}
    return [f"{count} figure{'' if count == 1 else 's'}: {note}" for note, count in counts.items()]
