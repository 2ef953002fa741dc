"""Trends of kept runs, and the gate on the newest, as Markdown."""

from exporter.data.results.history import GateResult, HistoryResult
from exporter.report.cells import markdown_cell, markdown_table
from exporter.report.history import COLUMNS, change_words, grouped, missing_words, trend_row
from exporter.report.markdown.verdicts import verdicts_markdown
from exporter.report.renderer import View

_HEADER = [name.removeprefix(">") for name in COLUMNS]


def history_markdown(result: HistoryResult | GateResult, view: View) -> str:
    """Of a gate its verdicts first; then a table a target, and every change of level."""
    lines = [verdicts_markdown(result.verdicts, (), result.title)] if isinstance(result, GateResult) else []
    for title, trends in grouped(result.trends):
        lines += [
            f"### {markdown_cell(title)}",
            "",
            *markdown_table(_HEADER, [trend_row(trend) for trend in trends]),
            "",
        ]
        said = [change_words(trend.lane, one) for trend in trends for one in trend.changes]
        said += [words for trend in trends for words in missing_words(trend)]
        lines += [*(f"- {markdown_cell(words)}" for words in said), ""]
    return "\n".join(lines)
