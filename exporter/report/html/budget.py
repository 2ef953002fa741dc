"""Sizes as the page shows them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from exporter.data.results.sizes import BudgetResult
from exporter.data.units import format_size
from exporter.data.verdict import Verdict, worst_first
from exporter.report.renderer import View
from exporter.report.sizes import size_cells

_SCALE = 1.5
"""A bar as long as its row stands for so many times its limit."""


class Room(NamedTuple):
    """How much of a limit is taken.

    Attributes:
        width: of the bar, in percent.
        limit: where the limit stands, in percent.
    """

    subject: str
    metric: str
    tone: str
    words: str
    width: float
    limit: float


def facts(result: BudgetResult, view: View) -> dict[str, Any]:
    """What the template of sizes needs."""
    notes = [(one.subject, note) for one in result.measurements for note in one.notes]
    return {
        "rows": [(row, size_cells(row)) for row in result.rows],
        "rooms": list(_rooms(result.verdicts)),
        "estimated": any(row.estimated for row in result.rows),
        "notes": notes,
    }


def _rooms(verdicts: Sequence[Verdict]) -> Iterator[Room]:
    for one in worst_first(verdicts):
        if one.unit == "B" and one.bound == "at most" and one.value is not None and one.limit and one.value >= 0:
            share = one.value / one.limit
            words = f"{format_size(one.value)} of {format_size(one.limit)}, {100 * share:.0f} %"
            width = 100 * min(share, _SCALE) / _SCALE
            yield Room(one.subject, one.metric, one.status.name.lower(), words, width, 100 / _SCALE)
