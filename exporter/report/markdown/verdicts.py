"""Verdicts and sizes as Markdown tables, no longer than what a job summary takes."""

from collections.abc import Iterator, Sequence

from exporter.data.results.sizes import SizeRow
from exporter.data.units import format_size
from exporter.data.verdict import Status, Verdict
from exporter.report.cells import markdown_cell
from exporter.report.sizes import size_cells
from exporter.report.summary import excused, headline, status_word

# GitHub takes up to 1 MiB for the summary of a step.
MAX_BYTES = 1_000_000
SHORTENED_ROWS = 200
_MARKS = {"passed": "✅", "failed": "❌", "warning": "⚠️", "waived": "⚠️", "not checked": "❔"}


def verdicts_markdown(verdicts: Sequence[Verdict], rows: Sequence[SizeRow], title: str) -> str:
    """The sizes and how they changed, then every verdict; where that is too long, passed gates are only counted."""
    text = _document(verdicts, rows, title)
    if len(text.encode("utf-8", "surrogatepass")) <= MAX_BYTES:
        return text
    bad = [verdict for verdict in verdicts if verdict.status is not Status.PASSED]
    said = f"{title} (shortened: {len(verdicts)} verdicts, {len(rows)} subjects)"
    return _document(bad[:SHORTENED_ROWS], rows[:SHORTENED_ROWS], said)


def _document(verdicts: Sequence[Verdict], rows: Sequence[SizeRow], title: str) -> str:
    return "\n".join([f"## {markdown_cell(title)}: {headline(verdicts)}", "", *_sizes(rows), *_verdicts(verdicts)])


def _sizes(rows: Sequence[SizeRow]) -> Iterator[str]:
    if rows:
        yield from ("| | Download | Change | Install | Change |", "|---|---:|---:|---:|---:|")
        yield from map(_size_line, rows)
        yield ""


def _size_line(row: SizeRow) -> str:
    name = f"{'&nbsp;&nbsp;' if row.inside else ''}{markdown_cell(row.subject)}"
    return f"| {' | '.join([name, *size_cells(row)])} |"


def _verdicts(verdicts: Sequence[Verdict]) -> Iterator[str]:
    if verdicts:
        yield from ("| | Subject | Gate | Value | Limit | |", "|---|---|---|---:|---:|---|")
        yield from map(_verdict_line, verdicts)
        yield ""


def _verdict_line(verdict: Verdict) -> str:
    word = status_word(verdict)
    names = [markdown_cell(verdict.subject), markdown_cell(verdict.metric)]
    figures = [_figure(verdict.value, verdict.unit), _figure(verdict.limit, verdict.unit)]
    return f"| {' | '.join([f'{_MARKS[word]} {word}', *names, *figures, markdown_cell(excused(verdict))])} |"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "B":
        return format_size(value)
    return f"{value:.6g}{'' if unit == '1' else f' {unit}'}"
