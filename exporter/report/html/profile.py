"""Profiles of devices as the page shows them."""

from typing import Any

from exporter.data.results.commands import ProfileResults
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
    }
