"""Says when a step did harm, or nothing, in numbers."""

from collections.abc import Sequence
from datetime import datetime

from exporter.data.facts.advice import Advice
from exporter.data.facts.compression import LeftAlone, StepResult
from exporter.data.facts.inspection import Inspection
from exporter.data.units import format_age, format_size, format_time
from profilers.readings import Obtained, Reading
from profilers.statistics import percentile
from profilers.steadiness import disturbance

NAMES_SHOWN = 3
NOISE = 1.05
"""Medians of the same file differ by up to this factor between runs on a shared machine."""


def conversion_warnings(
    advice: Advice, inspection: Inspection, twin: Inspection, left_alone: Sequence[LeftAlone]
) -> list[str]:
    """Warnings about size and about what stayed as it was.

    Args:
        advice: what the target asks of its format.
        inspection: of the artifact.
        twin: of the same model in the same format without compression.
        left_alone: what the conversion did not compress.
    """
    return [
        *(_larger(inspection, twin) if advice.compresses else ()),
        *_grown_layers(inspection, twin),
        *_left_alone(inspection, left_alone),
        *(_still_float(inspection, advice.integer_mode) if advice.integer_mode else ()),
    ]


def _larger(inspection: Inspection, twin: Inspection) -> list[str]:
    if inspection.size_bytes < twin.size_bytes:
        return []
    sizes = f"{format_size(inspection.size_bytes)} against {format_size(twin.size_bytes)} without it"
    return [f"compression made the artifact larger: {sizes}"]


def _left_alone(inspection: Inspection, left_alone: Sequence[LeftAlone]) -> list[str]:
    if not left_alone:
        return []
    size = sum(item.size_bytes or 0 for item in left_alone)
    share = size / inspection.size_bytes
    return [
        f"{len(left_alone)} weights were left uncompressed, {format_size(size)} or {share:.1%} of the file: "
        f"{_some([f'{item.name} ({item.reason})' for item in left_alone])}"
    ]


def _still_float(inspection: Inspection, mode: str) -> list[str]:
    floats = inspection.float_ops()
    if not floats:
        return []
    names = _some([f"{op.type} {op.name}" for op in floats])
    return [f"{len(floats)} of {len(inspection.ops)} operators stayed float in an {mode} model: {names}"]


def step_warnings(steps: Sequence[StepResult]) -> list[str]:
    """What the compression steps themselves found to look at."""
    return [f"{step.method}: {warning}" for step in steps for warning in step.warnings]


def speed_warning(
    advice: Advice, own: Sequence[Reading], twin: Sequence[Reading], *, at: datetime | None = None
) -> list[str]:
    """A warning when the compressed artifact is slower here than its float twin, by more than noise.

    None from readings that other work disturbed: they say nothing of either.

    Args:
        advice: what the format knows of the target's speed.
        own: of the artifact.
        twin: of the twin.
        at: now; readings that are older are said to be.
    """
    if disturbance(own) or disturbance(twin):
        return []
    latency, before = _median(own), _median(twin)
    if latency is None or before is None or latency <= NOISE * before:
        return []
    reason = f"; {advice.slow_because}" if advice.slow_because else ""
    return [
        f"slower on this machine than without compression: p50 {format_time(latency)} against "
        f"{format_time(before)}, {latency / before:.1f} times as long{reason}{_age((*own, *twin), at)}"
    ]


def _age(readings: Sequence[Reading], at: datetime | None) -> str:
    taken = [reading.taken_at for reading in readings if reading.metric == "latency"]
    age_s = (at - min(taken)).total_seconds() if at and taken else 0.0
    return f" (measured {format_age(age_s)} before this run)" if age_s > 0 else ""


def _grown_layers(inspection: Inspection, twin: Inspection) -> list[str]:
    before = {weight.layer: weight.size_bytes for weight in twin.weights if weight.kind == "weight"}
    packed = [weight for weight in inspection.weights if weight.kind == "weight" and weight.quantization != "none"]
    grown = [
        f"{weight.layer} {format_size(before[weight.layer])} to {format_size(weight.size_bytes)}"
        for weight in packed
        if weight.layer in before and weight.size_bytes > before[weight.layer]
    ]
    return [f"{len(grown)} weights became larger by compression: {_some(grown)}"] if grown else []


def _median(readings: Sequence[Reading]) -> float | None:
    for reading in readings:
        if reading.metric == "latency" and reading.obtained is Obtained.MEASURED:
            return percentile(reading.samples, 50)
    return None


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - NAMES_SHOWN} more" if len(items) > NAMES_SHOWN else ""
    return ", ".join(items[:NAMES_SHOWN]) + more
