"""Sizes as the page shows them."""

from typing import Any

from exporter.data.results.sizes import BudgetResult
from exporter.report.renderer import View
from exporter.report.sizes import size_cells


def facts(result: BudgetResult, view: View) -> dict[str, Any]:
    """What the template of sizes needs."""
    notes = [(one.subject, note) for one in result.measurements for note in one.notes]
    return {
        "rows": [(row, size_cells(row)) for row in result.rows],
        "estimated": any(row.estimated for row in result.rows),
        "notes": notes,
    }
