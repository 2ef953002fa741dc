"""What one device measured, as the page shows it."""

from collections.abc import Sequence
from typing import Any

from exporter.data.record import DeviceProfile
from exporter.report.html.charts import latency_histogram
from exporter.report.readings import device_title, latency_percentiles, slowest, taken_words
from profilers.readings import Reading


def readings_facts(title: str, readings: Sequence[Reading], caveats: Sequence[str]) -> dict[str, Any]:
    """Readings of one device under its title, when they were taken, and what must be said beside them."""
    return {
        "title": title,
        "readings": readings,
        "taken": taken_words(readings),
        "latency": latency_percentiles(readings),
        "histogram": latency_histogram(readings),
        "caveats": caveats,
        "profile": None,
        "ops": (),
    }


def device_facts(item: DeviceProfile, caveats: Sequence[str] = ()) -> dict[str, Any]:
    """A profile with its slowest operators."""
    readings = item.result.readings if item.result else ()
    ops = slowest(item.result.ops) if item.result else ()
    return {**readings_facts(device_title(item), readings, caveats), "profile": item, "ops": ops}
