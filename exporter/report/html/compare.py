"""Changes in bytes as the page shows them."""

from typing import Any

from markupsafe import Markup

from exporter.data.facts.diff import SizeDiff
from exporter.data.results.sizes import CompareResult
from exporter.report.html.plots.treemap import diff_treemap
from exporter.report.renderer import View
from exporter.report.sizes import change_row, changed, heading, rest_words


def facts(result: CompareResult, view: View) -> dict[str, Any]:
    """What the template of a comparison needs."""
    return {"diffs": [_diff(diff, view.rows) for diff in result.diffs]}


def _diff(diff: SizeDiff, rows: int) -> dict[str, Any]:
    groups = [
        (group, [change_row(change) for change in changed(changes)[:rows]], rest_words(changes, rows))
        for group, changes in diff.groups.items()
    ]
    drawing = Markup(diff_treemap([diff]))  # noqa: S704 - escaped there
    return {"heading": heading(diff), "groups": groups, "notes": diff.notes, "drawing": drawing}
