"""Profiles the artifacts of a run on devices."""

from collections.abc import Callable, Sequence
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.record import DeviceProfile
from exporter.data.target import Target
from exporter.formats.coreml.settings import CoremlTarget
from exporter.use_cases.coreml_profiling import profile_apple
from exporter.use_cases.device_choice import (
    APPLE_KINDS,
    TFLITE_KINDS,
    Listing,
    Selection,
    choose_devices,
    misfit,
    unmeasured,
)
from exporter.use_cases.profiling import RunnerChoice, profile
from profilers.plan import ProfilePlan


def selections(asked: Sequence[str], targets: Sequence[Target], listing: Listing) -> dict[str, Selection]:
    """What each target is measured on, by the target's name.

    Args:
        asked: of ``--device``; not empty.
        targets: of the run.
        listing: what `discover` found, once a run.

    Raises:
        UsageProblem: a device that is not there, that is named twice, or that can run none of the targets.
    """
    infos = listing[0]
    known = {name for info in infos for name in (info.serial, info.facts.get("name")) if name}
    named = [name for name in asked if name != "all"]
    unknown = [name for name in named if name not in known and name != "local"]
    if unknown:
        raise UsageProblem(f"there is no device {', '.join(unknown)}; `mobile-export devices` lists those there are.")
    for name in named:
        reasons = [misfit(name, kinds_of(target), infos) for target in targets]
        if all(reasons):
            raise UsageProblem(
                f"--device {name} fits no target of this run: {' '.join(dict.fromkeys(filter(None, reasons)))}"
            )
    return {target.name: _selection(asked, target, listing) for target in targets}


def kinds_of(target: Target) -> tuple[str, ...]:
    """The kinds of devices that can run the target's format."""
    return APPLE_KINDS if isinstance(target, CoremlTarget) else TFLITE_KINDS


def _selection(asked: Sequence[str], target: Target, listing: Listing) -> Selection:
    kinds = kinds_of(target)
    fitting = [name for name in asked if name == "all" or misfit(name, kinds, listing[0]) is None]
    return choose_devices(fitting, kinds, lambda: listing, target=target) if fitting else Selection(())


def profile_on_devices(
    target: Target, artifact: Path, selection: Selection, plan: ProfilePlan, say: Callable[[str], None]
) -> list[DeviceProfile]:
    """One profile a device, judged by the target's budgets; a device that fails does not stop the others."""
    skipped = [unmeasured(target.name, item) for item in selection.skipped]
    if not selection.serials:
        return skipped
    if isinstance(target, CoremlTarget):
        return [*profile_apple([artifact], selection.serials, plan, target, name=target.name, say=say), *skipped]
    found = profile([artifact], selection.serials, plan, RunnerChoice(), target, name=target.name, say=say)
    return [*found, *skipped]
