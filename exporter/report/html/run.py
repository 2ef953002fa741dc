"""A run as the page shows it."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from exporter.data.inspection import Inspection
from exporter.data.record import RunRecord, TargetRecord
from exporter.data.results import RunResult
from exporter.report.facts import caveats, format_title, host_caveats, host_readings, other_readings, profiles_of
from exporter.report.html.charts import accuracy_size_points
from exporter.report.html.devices import device_facts, readings_facts
from exporter.report.html.treemap import diff_treemap
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
        "targets": [_target(target, record, tones) for target in record.targets],
        "evaluators": dict.fromkeys(parity.evaluator for target in record.targets for parity in target.parities),
        "largest": max((target.artifact.size_bytes for target in record.targets if target.artifact), default=1),
        "scatter": accuracy_size_points(record, tones),
        "growth": Markup(diff_treemap(result.growth)) if result.growth else None,  # noqa: S704 - escaped there
    }


def _tones(record: RunRecord) -> dict[str, str]:
    formats = dict.fromkeys(target.format for target in record.targets)
    return {name: f"tone{number % TONES}" for number, name in enumerate(formats)}


def _target(target: TargetRecord, record: RunRecord, tones: dict[str, str]) -> dict[str, Any]:
    return {
        "record": target,
        "parity": target.parities[0] if target.parities else None,
        "format": format_title(target.format),
        "tone": tones[target.format],
        "here": readings_facts("this machine", host_readings(target), host_caveats(target, record)),
        "devices": _devices(target, record),
        **_layers(Inspection.model_validate(target.inspection) if target.inspection else None),
        **_budget(target),
    }


def _devices(target: TargetRecord, record: RunRecord) -> Sequence[dict[str, Any]]:
    profiled = [device_facts(item, _profile_caveats(item, record)) for item in profiles_of(target)]
    others = [
        readings_facts(each.title, each.readings, caveats(each.readings, record.created_at))
        for each in other_readings(target)
    ]
    return [*profiled, *others]


def _profile_caveats(item: Any, record: RunRecord) -> list[str]:
    return caveats(item.result.readings, record.created_at) if item.result else []


def _layers(inspection: Inspection | None) -> dict[str, Any]:
    layers = list(inspection.bytes_by_layer().items())[:LAYERS_SHOWN] if inspection else []
    return {"inspection": inspection, "layers": layers, "largest_layer": layers[0][1] if layers else 1}


def _budget(target: TargetRecord) -> dict[str, Any]:
    budget = target.settings.get("budgets", {}).get("size")
    size = target.artifact.size_bytes if target.artifact else 0
    return {"budget": budget, "budget_share": min(1.0, size / budget) if budget else None}
