"""What is read by people: the README, the model card, the licences."""

from typing import Any

from exporter.data.facts.handoff import Handoff
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.data.units import format_size
from exporter.data.verdict import Status
from exporter.handoff.kotlin import is_pictured
from exporter.handoff.render import rendered


def papers(handoff: Handoff, record: RunRecord | None, target: TargetRecord | None) -> dict[str, str]:
    """Texts by the names of their files."""
    facts = {
        "handoff": handoff,
        "record": record,
        "target": target,
        "size": format_size(handoff.size_bytes),
        "pictured": is_pictured(handoff),
        "languages": tuple(one.language for one in handoff.dependencies),
        "jvm_runs_model": any("ModelTest" in name for name in handoff.files),
        "figures": [] if target is None else _figures(target),
        "limits": [] if target is None else _limits(target),
        "recipe": {} if target is None else _recipe(target),
    }
    return {f"{name}.md": rendered(f"text/{name}.md.jinja", facts) for name in ("README", "MODEL_CARD", "LICENSES")}


def _figures(target: TargetRecord) -> list[tuple[str, str, str, str]]:
    """Metric, of the source, of the artifact, and on what."""
    found = []
    for parity in target.parities:
        about = f"{parity.samples} examples of {parity.data}, in {parity.evaluator}"
        if parity.top1 is not None and parity.source_top1 is not None:
            found.append(("top-1", f"{parity.source_top1:.2%}", f"{parity.top1:.2%}", about))
        for metric in () if parity.task is None else parity.task.metrics:
            source, artifact = (_figure(value, metric.unit) for value in (metric.source, metric.artifact))
            found.append((metric.title, source, artifact, about))
        if parity.top1_agreement is not None:
            found.append(("same class as the source", "", f"{parity.top1_agreement:.2%}", about))
        if not parity.not_compared:
            snr = "no difference" if parity.snr_db is None else f"{parity.snr_db:.1f} dB"
            found.append(("signal to noise against the source", "", snr, about))
    return found


def _figure(value: float, unit: str) -> str:
    return f"{value:.2%}" if unit == "%" else f"{value:.4g} {unit}".strip()


def _limits(target: TargetRecord) -> list[str]:
    failed = [f"{one.metric}: {one.reason}" for one in target.verdicts if one.status is Status.FAILED]
    unknown = [
        f"{one.metric} was not checked: {one.reason}" for one in target.verdicts if one.status is Status.NOT_CHECKED
    ]
    return [*failed, *unknown, *target.warnings, *([target.error] if target.error else [])]


def _recipe(target: TargetRecord) -> dict[str, Any]:
    known = {"recipe": target.settings.get("recipe"), "quantization": target.settings.get("quantization")}
    steps = ", ".join(step.method for step in target.steps)
    return {name: value for name, value in {**known, "steps": steps}.items() if value}
