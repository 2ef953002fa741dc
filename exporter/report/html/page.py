"""A run as one HTML file that needs no network: styles and drawings are inside, scripts are none."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from exporter.data.profile import Measured, Profile
from exporter.data.record import RunRecord, TargetRecord
from exporter.data.units import format_size, format_time
from exporter.data.verdict import Status, worst_first
from exporter.report.html.charts import accuracy_size_points, latency_histogram
from exporter.report.summary import (
    latency_percentiles,
    outcome_words,
    quantity,
    reading_value,
    verdict_value,
)
from exporter.report.text.profiles import OPS_SHOWN, device_title

LAYERS_SHOWN = 12
FORMAT_NAMES = {"coreml": "Core ML", "tflite": "TFLite"}
_TEMPLATES = Path(__file__).with_name("templates")


def render_html(record: RunRecord, growth: str | None = None) -> str:
    """The report of `record`.

    Args:
        growth: an SVG of what grew since a baseline, from `exporter.report.html.treemap`; None leaves that section out.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(size=format_size, time=format_time, quantity=quantity)
    verdicts = record.verdicts()
    counts = {status: sum(verdict.status is status for verdict in verdicts) for status in Status}
    return environment.get_template("report.html.j2").render(
        record=record,
        counts=counts,
        outcome=outcome_words(record).rstrip("."),
        verdicts=[(verdict, *verdict_value(verdict)) for verdict in worst_first(verdicts)],
        targets=[_target_view(target) for target in record.targets],
        largest=max((target.artifact.size_bytes for target in record.targets if target.artifact), default=1),
        scatter=accuracy_size_points(record),
        reading_value=reading_value,
        growth=None if growth is None else Markup(growth),  # noqa: S704 - our own drawing, its texts are escaped there
    )


def _target_view(target: TargetRecord) -> dict[str, Any]:
    inspection = target.inspection
    layers = list(inspection.bytes_by_layer().items())[:LAYERS_SHOWN] if inspection else []
    budget = target.size_limits().get("size")
    size = target.artifact.size_bytes if target.artifact else 0
    return {
        "record": target,
        "parity": target.parities[0] if target.parities else None,
        "format": FORMAT_NAMES.get(target.format, target.format),
        "here": _measured_view("this machine", target.host),
        "devices": [_device_view(item) for item in target.profiles],
        "inspection": inspection,
        "layers": layers,
        "largest_layer": layers[0][1] if layers else 1,
        "budget": budget,
        "budget_share": min(1.0, size / budget) if budget else None,
    }


def _measured_view(title: str, measured: Measured | None) -> dict[str, Any]:
    """Readings of one device under its title, and what must be said beside them."""
    return {
        "title": title,
        "readings": measured.readings if measured else (),
        "latency": latency_percentiles(measured),
        "histogram": latency_histogram(measured),
        "caveats": measured.caveats if measured else (),
        "profile": None,
        "ops": (),
    }


def _device_view(item: Profile) -> dict[str, Any]:
    view = _measured_view(device_title(item), item.measured)
    return {**view, "profile": item, "ops": sorted(item.ops, key=lambda op: -op.mean_s)[:OPS_SHOWN]}
