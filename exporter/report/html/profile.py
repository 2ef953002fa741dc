"""Profiles of devices as the page shows them."""

from typing import Any

from exporter.data.facts.sweep import Sweep
from exporter.data.results.commands import ProfileResults
from exporter.report.device_words import SWEEP_COLUMNS, sweep_cells
from exporter.report.html.devices import file_devices, overview
from exporter.report.html.matrix import matrix
from exporter.report.renderer import View


def facts(result: ProfileResults, view: View) -> dict[str, Any]:
    """What the template of profiles needs."""
    profiles = result.summaries()
    return {
        "matrix": matrix([(result.title, profiles)]),
        "overview": overview(profiles),
        "devices": file_devices(profiles),
        "changes": result.changes or (),
        "sweeps": [_sweep(one) for one in result.sweeps or ()],
    }


def _sweep(sweep: Sweep) -> dict[str, Any]:
    columns = [(name.removeprefix(">"), name.startswith(">")) for name in SWEEP_COLUMNS]
    rows = [sweep_cells(row, sweep.best) for row in sweep.rows]
    return {"device": sweep.device, "answer": sweep.answer, "columns": columns, "rows": rows}
