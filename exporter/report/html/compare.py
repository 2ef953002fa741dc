"""Changes in bytes, accuracy and latency as the page shows them."""

from typing import Any

from markupsafe import Markup

from exporter.data.facts.diff import SizeDiff
from exporter.data.results.sizes import CompareResult
from exporter.report.figures import COLUMNS, figure_row
from exporter.report.html.plots.treemap import drawings
from exporter.report.renderer import View
from exporter.report.sizes import change_row, changed, heading, rest_words


def facts(result: CompareResult, view: View) -> dict[str, Any]:
    """What the template of a comparison needs."""
    return {
        "diffs": [_diff(diff, view.rows) for diff in result.diffs],
        "outcome": _outcome(result),
        "counts": {},
        "columns": _columns(),
    }


def _columns() -> list[tuple[str, bool]]:
    """Of figures, and which of them hold numbers."""
    return [(name, name in ("before", "after", "change")) for name in COLUMNS]


def _outcome(result: CompareResult) -> str:
    grown = sum(diff.size.bytes > 0 for diff in result.diffs)
    shrunk = sum(diff.size.bytes < 0 for diff in result.diffs)
    figures = ((grown, "grew"), (shrunk, "shrank"), (len(result.diffs) - grown - shrunk, "stayed"))
    return ", ".join(f"{count} {word}" for count, word in figures if count)


def _diff(diff: SizeDiff, rows: int) -> dict[str, Any]:
    groups = [
        (group, [change_row(change) for change in changed(changes)[:rows]], rest_words(changes, rows))
        for group, changes in diff.groups.items()
    ]
    drawn = [Markup(one) for one in drawings([diff])]  # noqa: S704 - escaped there
    figures = [figure_row(one) for one in diff.figures]
    return {"heading": heading(diff), "figures": figures, "groups": groups, "notes": diff.notes, "drawings": drawn}
