"""A run as the page shows it."""

from typing import Any

from markupsafe import Markup

from exporter.data.facts.inspection import Inspection
from exporter.data.results.commands import RunResult
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.formats.registry import format_named, names
from exporter.report.html.devices import device_facts, measured_facts
from exporter.report.html.plots.charts import accuracy_size_points
from exporter.report.html.plots.treemap import diff_treemap
from exporter.report.html.tasks import tasks
from exporter.report.renderer import View
from exporter.report.summary import outcome_words

LAYERS_SHOWN = 12
TONES = 6
"""Colours of the style sheet: a format has that of its place among the formats of the run."""


def facts(result: RunResult, view: View) -> dict[str, Any]:
    """What the template of a run needs."""
    record = result.record
    tones = _tones(record)
    return {
        "record": record,
        "outcome": outcome_words(record).rstrip("."),
        "targets": [_target(target, tones) for target in record.targets],
        "tasks": tasks([(target.name, one) for target in record.targets for one in target.parities], result.pictures),
        "evaluators": dict.fromkeys(parity.evaluator for target in record.targets for parity in target.parities),
        "largest": max((target.artifact.size_bytes for target in record.targets if target.artifact), default=1),
        "scatter": accuracy_size_points(record, tones),
        "growth": Markup(diff_treemap(result.growth)) if result.growth else None,  # noqa: S704 - escaped there
    }


def _tones(record: RunRecord) -> dict[str, str]:
    formats = dict.fromkeys(target.format for target in record.targets)
    return {name: f"tone{number % TONES}" for number, name in enumerate(formats)}


def _target(target: TargetRecord, tones: dict[str, str]) -> dict[str, Any]:
    return {
        "record": target,
        "parity": target.parities[0] if target.parities else None,
        "format": _format_title(target.format),
        "tone": tones[target.format],
        "here": measured_facts("this machine", target.host),
        "devices": [device_facts(profile) for profile in target.profiles],
        **_layers(target.inspection),
        **_budget(target),
    }


def _format_title(name: str) -> str:
    """What people call the format that a record names; its name where this program does not know it."""
    return format_named(name).title if name in names() else name


def _layers(inspection: Inspection | None) -> dict[str, Any]:
    layers = list(inspection.bytes_by_layer().items())[:LAYERS_SHOWN] if inspection else []
    return {"inspection": inspection, "layers": layers, "largest_layer": layers[0][1] if layers else 1}


def _budget(target: TargetRecord) -> dict[str, Any]:
    budget = target.size_limits().get("size")
    size = target.artifact.size_bytes if target.artifact else 0
    return {"budget": budget, "budget_share": min(1.0, size / budget) if budget else None}
