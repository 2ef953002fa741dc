"""Profiles of devices as the page shows them."""

from typing import Any

from exporter.data.results.commands import ProfileResults
from exporter.report.html.devices import device_facts
from exporter.report.renderer import View


def facts(result: ProfileResults, view: View) -> dict[str, Any]:
    """What the template of profiles needs."""
    return {"devices": [device_facts(profile) for profile in result.summaries()]}
