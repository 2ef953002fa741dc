"""What changed since an earlier profile of the same devices, or from one model to the next on one device."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from exporter.data.facts.profile import DeviceProfile
from exporter.data.facts.profile_changes import ProfileChange
from exporter.use_cases.devices.baseline import Baseline
from profilers.comparison import compare_readings
from profilers.paired import by_rounds
from profilers.readings import Reading


def changes_since(before: Baseline, after: Sequence[DeviceProfile]) -> tuple[ProfileChange, ...]:
    """One entry a device that was measured now."""
    measured = [(item.device, item.result.readings) for item in after if item.result is not None]
    return tuple(_change(before, device, readings) for device, readings in measured)


def changes_between(found: Sequence[DeviceProfile], models: Sequence[Path]) -> tuple[ProfileChange, ...]:
    """Every model after the first against the first, device by device; their processes took turns.

    Args:
        found: profiles of all models on all devices.
        models: as they were given.
    """
    devices = dict.fromkeys(item.device for item in found if item.result is not None)
    readings = {(item.device, item.result.artifact): item.result.readings for item in found if item.result is not None}
    return tuple(_difference(device, models[0], candidate, readings) for device in devices for candidate in models[1:])


def _difference(
    device: str, baseline: Path, candidate: Path, readings: Mapping[tuple[str, str], Sequence[Reading]]
) -> ProfileChange:
    names = {"baseline": str(baseline), "candidate": str(candidate)}
    given = [readings.get((device, str(path))) for path in (baseline, candidate)]
    if given[0] is None or given[1] is None:
        missing = baseline if given[0] is None else candidate
        return ProfileChange(device=device, reason=f"not compared: {missing} was not measured", **names)
    return ProfileChange(device=device, changes=compare_readings(given[0], given[1], by_rounds), **names)


def _change(before: Baseline, device: str, now: Sequence[Reading]) -> ProfileChange:
    if device not in before.readings:
        reason = before.refused.get(device, "not compared: it was not measured before")
        return ProfileChange(device=device, against=before.words, reason=reason)
    changes = compare_readings(before.readings[device], now)
    return ProfileChange(device=device, against=before.words, changes=changes)
