"""A run as one HTML file that needs no network: styles and drawings are inside, scripts are none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from exporter.data.inspection import Inspection
from exporter.data.record import DeviceProfile, RunRecord, TargetRecord
from exporter.data.units import format_size, format_time
from exporter.data.verdict import Status, worst_first
from exporter.gates.harm import caveats
from exporter.report.html.charts import accuracy_size_points, latency_histogram
from exporter.report.summary import (
    host_readings,
    latency_percentiles,
    other_readings,
    outcome_words,
    quantity,
    reading_value,
    verdict_value,
)
from exporter.report.text.profiles import OPS_SHOWN, device_title
from profilers.readings import Reading

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
        targets=[_target_view(target, record) for target in record.targets],
        largest=max((target.artifact.size_bytes for target in record.targets if target.artifact), default=1),
        scatter=accuracy_size_points(record),
        reading_value=reading_value,
        growth=None if growth is None else Markup(growth),  # noqa: S704 - our own drawing, its texts are escaped there
    )


def _target_view(target: TargetRecord, record: RunRecord) -> dict[str, Any]:
    inspection = Inspection.model_validate(target.inspection) if target.inspection else None
    layers = list(inspection.bytes_by_layer().items())[:LAYERS_SHOWN] if inspection else []
    budget = target.settings.get("budgets", {}).get("size")
    size = target.artifact.size_bytes if target.artifact else 0
    return {
        "record": target,
        "parity": target.parities[0] if target.parities else None,
        "format": FORMAT_NAMES.get(target.format, target.format),
        "here": _readings_view("this machine", host_readings(target), record),
        "devices": [_device_view(item, record) for item in target.profiles]
        + [_readings_view(others.title, others.readings, record) for others in other_readings(target)],
        "inspection": inspection,
        "layers": layers,
        "largest_layer": layers[0][1] if layers else 1,
        "budget": budget,
        "budget_share": min(1.0, size / budget) if budget else None,
    }


def _readings_view(title: str, readings: Sequence[Reading], record: RunRecord) -> dict[str, Any]:
    """Readings of one device under its title, and what must be said beside them."""
    return {
        "title": title,
        "readings": readings,
        "latency": latency_percentiles(readings),
        "histogram": latency_histogram(readings),
        "caveats": caveats(readings, record.created_at),
        "profile": None,
        "ops": (),
    }


def _device_view(item: DeviceProfile, record: RunRecord) -> dict[str, Any]:
    view = _readings_view(device_title(item), item.result.readings if item.result else (), record)
    ops = sorted(item.result.ops, key=lambda op: -op.mean_s)[:OPS_SHOWN] if item.result else ()
    return {**view, "profile": item, "ops": ops}
