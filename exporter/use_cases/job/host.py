"""What a run measures on this machine."""

from datetime import UTC, datetime

from exporter.formats.registry import advice_for
from exporter.gates.harm import speed_warning
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.stages import Converted, readings
from profilers.readings import Reading

Readings = tuple[tuple[Reading, ...], list[str], bool]


def readings_here(model: ModelAtHand, converted: Converted) -> Readings:
    """Readings of an artifact on this machine, and whether it is slower than its float twin."""
    target, runner = converted.target, converted.format.host_runner()
    if runner is None or not model.request.measure:
        return (), [], False
    own, cached = readings(model, runner, converted.path, converted.facts.sha256, target.name)
    if converted.facts.sha256 == converted.facts.twin_sha256 or not converted.format.advice(target).compresses:
        return own, [], cached
    twin, twin_cached = readings(
        model, runner, converted.twin_path, converted.facts.twin_sha256, f"{target.name} without compression"
    )
    now = datetime.now(UTC) if cached or twin_cached else None
    return own, speed_warning(advice_for(target), own, twin, at=now), cached
