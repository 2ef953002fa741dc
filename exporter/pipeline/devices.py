"""Profiles the artifacts of a run on devices."""

from collections.abc import Callable, Sequence
from pathlib import Path

from device_harness.discovery import discover
from exporter.coreml_profiling import APPLE_KINDS, profile_apple
from exporter.errors import UsageProblem
from exporter.profiling import TFLITE_KINDS, DeviceProfile, RunnerChoice, profile, resolve_devices
from exporter.targets.settings import CoremlTarget, Target
from profilers.plan import ProfilePlan


def serials_for(asked: Sequence[str], target: Target) -> list[str]:
    """Those of the asked devices that can run the target's format; ``all`` is every ready one of them.

    Raises:
        UsageProblem: a device that is not there, or named twice.
    """
    kinds = APPLE_KINDS if isinstance(target, CoremlTarget) else TFLITE_KINDS
    known = {info.serial: info.kind for info in discover()[0]}
    unknown = [name for name in asked if name not in ("all", "local") and name not in known]
    if unknown:
        raise UsageProblem(f"there is no device {', '.join(unknown)}; `mobile-export devices` lists those there are.")
    fitting = [name for name in asked if name == "all" or known.get(name, name) in kinds]
    return resolve_devices(fitting, kinds) if fitting else []


def profile_on_devices(
    target: Target, artifact: Path, serials: Sequence[str], plan: ProfilePlan, say: Callable[[str], None]
) -> list[DeviceProfile]:
    """One profile a device, judged by the target's budgets; a device that fails does not stop the others."""
    if isinstance(target, CoremlTarget):
        return profile_apple([artifact], serials, plan, target, say=say)
    return profile([artifact], serials, plan, RunnerChoice(), target.budgets, say=say)
