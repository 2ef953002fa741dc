"""What changed since an earlier profile of the same devices, or from one model to the next on one device."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from exporter.data.errors import UsageProblem
from exporter.data.facts.profile import DeviceProfile
from exporter.data.facts.profile_changes import ProfileChange
from profilers.comparison import compare_readings
from profilers.paired import by_rounds
from profilers.readings import Reading

VERSION = 1


def load_profiles(path: Path) -> tuple[DeviceProfile, ...]:
    """The profiles in a file that `profile -f json` wrote.

    Raises:
        UsageProblem: unreadable, or no such file.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}.") from error
    except ValueError as error:
        raise UsageProblem(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema_version") != VERSION or "profiles" not in document:
        raise UsageProblem(f"{path} is not what `mobile-export profile -f json` writes (schema version {VERSION}).")
    try:
        return tuple(DeviceProfile.model_validate(item) for item in document["profiles"])
    except (TypeError, ValidationError) as error:
        raise UsageProblem(f"{path} is damaged: {error}") from error


def changes_since(before: Sequence[DeviceProfile], after: Sequence[DeviceProfile]) -> tuple[ProfileChange, ...]:
    """One entry a device that was measured now."""
    earlier = {item.device: item for item in before if item.result is not None}
    return tuple(_change(earlier.get(item.device), item) for item in after if item.result is not None)


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


def _change(then: DeviceProfile | None, now: DeviceProfile) -> ProfileChange:
    if then is None or then.result is None or now.result is None:
        return ProfileChange(device=now.device, reason="not compared: it was not measured before")
    return ProfileChange(device=now.device, changes=compare_readings(then.result.readings, now.result.readings))
