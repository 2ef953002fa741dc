"""Markdown for a job summary or a pull-request comment: the sizes and how they changed, then every verdict."""

from collections.abc import Sequence

from exporter.data.units import format_size
from exporter.data.verdict import Status, Verdict
from exporter.report.rows import SizeRow, change_cell, size_cell
from exporter.report.text.tables import markdown_cell

# GitHub takes up to 1 MiB for the summary of a step.
MAX_BYTES = 1_000_000


def render_markdown(verdicts: Sequence[Verdict], rows: Sequence[SizeRow] = (), *, title: str = "Sizes") -> str:
    """GitHub-flavoured Markdown; in a document that grew too long, passed gates are only counted."""
    text = _document(verdicts, rows, title)
    if len(text.encode("utf-8", "surrogatepass")) <= MAX_BYTES:
        return text
    bad = [verdict for verdict in verdicts if verdict.status is not Status.PASSED]
    return _document(bad[:200], rows[:200], f"{title} (shortened: {len(verdicts)} verdicts, {len(rows)} subjects)")


def _document(verdicts: Sequence[Verdict], rows: Sequence[SizeRow], title: str) -> str:
    lines = [f"## {markdown_cell(title)}: {_headline(verdicts)}", ""]
    if rows:
        lines += ["| | Download | Change | Install | Change |", "|---|---:|---:|---:|---:|"]
        lines += [_size_line(row) for row in rows]
        lines.append("")
    if verdicts:
        lines += ["| | Subject | Gate | Value | Limit | |", "|---|---|---|---:|---:|---|"]
        lines += [_verdict_line(verdict) for verdict in verdicts]
        lines.append("")
    return "\n".join(lines)


def _headline(verdicts: Sequence[Verdict]) -> str:
    failed = sum(verdict.status is Status.FAILED and verdict.severity == "error" for verdict in verdicts)
    warned = sum(verdict.status is Status.FAILED and verdict.severity == "warning" for verdict in verdicts)
    unchecked = sum(verdict.status is Status.NOT_CHECKED for verdict in verdicts)
    parts = [
        f"{count} {word}"
        for count, word in ((failed, "failed"), (warned, "warned"), (unchecked, "not checked"))
        if count
    ]
    if parts:
        return ", ".join(parts)
    return "all gates passed" if verdicts else "no gates"


def _size_line(row: SizeRow) -> str:
    name = f"&nbsp;&nbsp;{markdown_cell(row.subject)}" if row.inside else markdown_cell(row.subject)
    cells = [
        size_cell(row.download, estimated=row.estimated),
        change_cell(row.download, row.download_before),
        size_cell(row.install, estimated=row.estimated),
        change_cell(row.install, row.install_before),
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def _verdict_line(verdict: Verdict) -> str:
    mark = {Status.PASSED: "✅ passed", Status.NOT_CHECKED: "❔ not checked"}.get(
        verdict.status, "❌ failed" if verdict.severity == "error" else "⚠️ waived" if verdict.waiver else "⚠️ warning"
    )
    reason = verdict.reason if verdict.waiver is None else f"{verdict.reason} ({verdict.waiver})"
    cells = [mark, markdown_cell(verdict.subject), markdown_cell(verdict.metric), _figure(verdict.value, verdict.unit),
             _figure(verdict.limit, verdict.unit), markdown_cell(reason)]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "B":
        return format_size(value)
    return f"{value:.6g}{'' if unit == '1' else f' {unit}'}"
