"""What one device measured, as the page shows it."""

from typing import Any

from exporter.data.facts.profile import Measured, Profile
from exporter.report.html.plots.charts import latency_histogram
from exporter.report.readings import device_title, latency_percentiles, slowest, taken_words


def measured_facts(title: str, measured: Measured | None) -> dict[str, Any]:
    """Readings of one device under its title, when they were taken, and what must be said beside them."""
    return {
        "title": title,
        "readings": measured.readings if measured else (),
        "taken": taken_words(measured) if measured else "",
        "latency": latency_percentiles(measured),
        "histogram": latency_histogram(measured),
        "caveats": measured.caveats if measured else (),
    }


def device_facts(profile: Profile) -> dict[str, Any]:
    """A profile with its slowest operators."""
    facts = measured_facts(device_title(profile), profile.measured)
    return {**facts, "profile": profile, "ops": slowest(profile.ops)}
