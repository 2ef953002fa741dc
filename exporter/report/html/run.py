"""A run as the page shows it."""

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from exporter.data.facts.artifact import Artifact
from exporter.data.facts.inspection import Inspection
from exporter.data.results.commands import RunResult
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.data.units import format_size
from exporter.data.verdict import Status
from exporter.formats.registry import format_named, names
from exporter.report.html.devices import run_devices
from exporter.report.html.matrix import run_matrix
from exporter.report.html.plots.accuracy import Look, accuracy_plot
from exporter.report.html.plots.field import SHAPES
from exporter.report.html.plots.treemap import drawings
from exporter.report.html.tasks import tasks
from exporter.report.renderer import View
from exporter.report.summary import outcome_words

LAYERS_SHOWN = 12
TONES = 6
"""Colours of the style sheet: a format has that of its place among the formats of the run."""
_FLOAT_BYTES = 4
OUTPUT_COLUMNS = [("target", False), ("output", False), ("SNR", True), ("largest error", True), ("compared", False)]


def facts(result: RunResult, view: View) -> dict[str, Any]:
    """What the template of a run needs."""
    record = result.record
    looks = _looks(record)
    tones = {name: look.tone for name, look in looks.items()}
    return {
        "record": record,
        "outcome": outcome_words(record).rstrip("."),
        "targets": [_target(target, looks[target.format], record) for target in record.targets],
        "matrix": run_matrix(record.targets),
        "plot": accuracy_plot(record, looks),
        "outputs": list(_outputs(record.targets)),
        "output_columns": OUTPUT_COLUMNS,
        "devices": list(run_devices(record.targets, tones)),
        "tasks": tasks([(target.name, one) for target in record.targets for one in target.parities], result.pictures),
        "evaluators": dict.fromkeys(parity.evaluator for target in record.targets for parity in target.parities),
        "growth": [Markup(one) for one in drawings(result.growth)] if result.growth else [],  # noqa: S704 - escaped
    }


def _looks(record: RunRecord) -> dict[str, Look]:
    formats = dict.fromkeys(target.format for target in record.targets)
    return {
        name: Look(_format_title(name), SHAPES[number % (len(SHAPES) - 1)], f"tone{number % TONES}")
        for number, name in enumerate(formats)
    }


def _target(target: TargetRecord, look: Look, record: RunRecord) -> dict[str, Any]:
    passed = sum(verdict.status is Status.PASSED for verdict in target.verdicts)
    return {
        "record": target,
        "parity": target.parities[0] if target.parities else None,
        "format": look.title,
        "tone": look.tone,
        "gates": f"{passed} of {len(target.verdicts)} gates passed" if target.verdicts else "no gates",
        "gates_tone": "passed" if passed == len(target.verdicts) else _worst_tone(target),
        "float": _of_float(target.artifact, record),
        "bits": target.inspection.bits_per_weight() if target.inspection else None,
        **_layers(target.inspection),
        **_budget(target),
    }


def _worst_tone(target: TargetRecord) -> str:
    failed = any(verdict.status is Status.FAILED for verdict in target.verdicts)
    return "failed" if failed else "not_checked"


def _of_float(artifact: Artifact | None, record: RunRecord) -> tuple[float, str] | None:
    """The artifact's share of a model in float, and which that is: its own twin, else the source."""
    if artifact is None:
        return None
    twin, source = artifact.twin_size_bytes, record.source.size_bytes
    if not (twin or source):
        return None
    whole, what = (twin, "its float model of") if twin else (source, "the source in float32 of")
    return artifact.size_bytes / whole, f"{what} {format_size(whole)}"


def _format_title(name: str) -> str:
    """What people call the format that a record names; its name where this program does not know it."""
    return format_named(name).title if name in names() else name


def _layers(inspection: Inspection | None) -> dict[str, Any]:
    """The largest layers, each against what its weights take in float32."""
    if inspection is None:
        return {"inspection": None, "layers": []}
    parameters: dict[str, int] = {}
    for weight in inspection.weights:
        parameters[weight.layer] = parameters.get(weight.layer, 0) + weight.parameters
    sizes = list(inspection.bytes_by_layer().items())[:LAYERS_SHOWN]
    layers = [_layer(name, size, parameters[name]) for name, size in sizes]
    return {"inspection": inspection, "layers": layers}


def _layer(name: str, size: int, parameters: int) -> dict[str, Any]:
    share = size / (_FLOAT_BYTES * parameters) if parameters else None
    return {"name": name, "size": size, "bits": 8 * size / parameters if parameters else None, "share": share}


def _budget(target: TargetRecord) -> dict[str, Any]:
    budget = target.size_limits().get("size")
    size = target.artifact.size_bytes if target.artifact else 0
    return {"budget": budget, "budget_share": min(1.0, size / budget) if budget else None}


def _outputs(targets: Sequence[TargetRecord]) -> Iterator[list[str]]:
    """How far each output is from the source's."""
    for target in targets:
        for parity in target.parities:
            where = f"{parity.samples} examples of {parity.data} in {parity.evaluator}"
            for one in parity.outputs:
                snr = "exact" if one.snr_db is None else f"{one.snr_db:.1f} dB"
                yield [target.name, one.name, snr, f"{one.max_abs_error:.4g}", where]
