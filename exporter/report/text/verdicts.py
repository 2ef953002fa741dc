"""Verdicts in the terminal: what failed comes first, what passed is counted, or shown where that is asked for."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from exporter.data.verdict import Status, Verdict, worst_first
from exporter.report.cells import one_line
from exporter.report.renderer import View
from exporter.report.summary import excused, fails, quantity, status_word, verdict_value
from exporter.report.text.console import table, words

_STYLES = {Status.PASSED: "green", Status.FAILED: "bold red", Status.NOT_CHECKED: "yellow"}
ROOM = 100
"""Columns from which on wide tables can be read."""


def verdict_items(verdicts: Sequence[Verdict], view: View) -> Iterator[RenderableType]:
    """What did not pass, a line each; every verdict where the view is verbose; failures alone where it is quiet."""
    if view.verbose and view.columns >= ROOM:
        yield _table(verdicts)
        return
    for one in worst_first(verdicts):
        wanted = view.verbose or (fails(one) if view.quiet else one.status is not Status.PASSED)
        if wanted:
            yield _line(one)


def _line(verdict: Verdict) -> Text:
    word = "FAILED" if fails(verdict) else status_word(verdict)
    said = f"{verdict.subject}  {verdict.metric}: {excused(verdict).rstrip('.')}{_bound(verdict)}"
    text = words(f"{word:11}  {one_line(said)}")
    text.stylize(_STYLES[verdict.status], 0, len(word))
    return text


def _bound(verdict: Verdict) -> str:
    """The limit, unless the reason says it."""
    if verdict.limit is None or quantity(verdict.limit, verdict.unit) in verdict.reason:
        return ""
    return f"; limit {verdict_value(verdict)[1]}"


def _table(verdicts: Iterable[Verdict]) -> Table:
    """Verdicts, the worst first."""
    columns = ("verdict", "target", "metric", ">value", ">limit", "reason")
    return table("Verdicts, the worst first", columns, map(_row, worst_first(verdicts)))


def _row(verdict: Verdict) -> list[str | Text]:
    status = Text(verdict.status, _STYLES[verdict.status])
    return [status, verdict.subject, verdict.metric, *verdict_value(verdict), verdict.reason]
