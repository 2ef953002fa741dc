"""Profiles Core ML models on iPhones, simulators and this Mac, and judges what was read."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from device_harness.apple.discovery import open_device

from device_harness.apple.settings import AppleSettings
from device_harness.digests import tree_digest
from device_harness.protocol import Device
from device_harness.runners.coreml import accelerator
from device_harness.runners.coreml_build import prepare
from device_harness.runners.coremltools_benchmarker import benchmark
from exporter.data.record import DeviceProfile
from exporter.data.target import Budgets, Target
from exporter.gates.placement import judge_placement
from exporter.gates.readings import judge_readings
from exporter.use_cases.device_choice import APPLE_KINDS, host_reason
from exporter.use_cases.profiling import Say, accelerator_note, on_devices
from profilers.plan import ProfilePlan
from profilers.readers.benchmarker import benchmarker_readings
from profilers.readers.coreml import ASKED_UNITS, CoremlRun, profile_coreml
from profilers.result import ProfileResult

COREML_SUFFIXES = (".mlpackage", ".mlmodelc", ".mlmodel")
PLAN_UNITS = {"cpu": "cpu", "gpu": "cpu_and_gpu", "npu": "cpu_and_ne"}


def is_coreml(model: Path) -> bool:
    """Whether the name is that of a Core ML model."""
    return model.suffix in COREML_SUFFIXES


def profile_apple(
    models: Sequence[Path],
    serials: Sequence[str],
    plan: ProfilePlan,
    target: Target | None = None,
    *,
    name: str | None = None,
    instruments: bool = False,
    coremltools: bool = False,
    opener: Callable[[str], Device] = open_device,
    preparer: Callable[[Device], str | None] = prepare,
    say: Say = lambda words: None,
) -> list[DeviceProfile]:
    """Profile `models` on every device, each in a thread of its own; a failing device does not stop the others.

    Args:
        models: .mlpackage, .mlmodelc or .mlmodel.
        serials: devices as `mobile-export devices` shows them; ``local`` is this Mac.
        plan: what to measure; its accelerator says the compute units when there is no target.
        target: whose compute units are used, and whose budgets judge.
        name: what the verdicts are about; None takes the file's name.
        instruments: whether Instruments records in a run apart too.
        coremltools: whether coremltools' benchmarker runs the models instead of the runner, which must be signed.
        opener: gives a session for a serial.
        preparer: builds and installs the runner; gives the tool's path on a Mac.
        say: progress.
    """
    units, notes = units_for(target, plan)

    def measure(device: Device) -> list[DeviceProfile]:
        if coremltools:
            results = [_benchmarked(device, model, plan, units) for model in models]
        else:
            results = profile_coreml(device, models, plan, CoremlRun(units, preparer(device), instruments), say=say)
        return [_judged(result, target, notes, name) for result in results]

    def open_it(serial: str) -> Device:
        return opener("mac" if serial == "local" else serial)

    return on_devices(serials, open_it, measure, APPLE_KINDS)


def units_for(target: Target | None, plan: ProfilePlan) -> tuple[str, tuple[str, ...]]:
    """Compute units in the bench document's words, the target's before the plan's, and a sentence where they differ."""
    planned = PLAN_UNITS[plan.accelerator]
    if target is None:
        return planned, ()
    units = accelerator(target.compute_units)
    differs = "accelerator" in plan.model_fields_set and units != planned
    return units, (accelerator_note(plan.accelerator, target.name, target.compute_units),) if differs else ()


def _benchmarked(device: Device, model: Path, plan: ProfilePlan, units: str) -> ProfileResult:
    """With coremltools' own choice of compute units, all of them, and one warm-up prediction.

    Args: units: that were asked for; with others than all, the readings say that they are of something else.
    """
    info, taken_at = device.info(), datetime.now(UTC)
    remote = None if info.kind == "mac" else info.serial
    team = AppleSettings.from_environment().team
    result = benchmark(model, loads=plan.processes, runs=plan.runs, device=remote, team=team)
    conditions = {"compute_units": "all", "quick": str(plan.quick).lower(), "runtime": result.source}
    warnings: tuple[str, ...] = ()
    if units != "all":
        conditions |= {"accelerator": ASKED_UNITS[units], "ran_on": "unknown"}
        warnings = (f"coremltools' benchmarker lets Core ML use all compute units; {units} was asked for",)
    readings = benchmarker_readings(result, info, conditions=conditions, taken_at=taken_at)
    return ProfileResult(artifact=str(model), sha256=tree_digest(model), device=info, plan=plan, readings=readings,
                         warnings=warnings)  # fmt: skip


def _judged(result: ProfileResult, target: Target | None, notes: tuple[str, ...], name: str | None) -> DeviceProfile:
    serial = result.device.serial
    subject = f"{name or Path(result.artifact).name} on {serial}"
    budgets = target.budgets if target else Budgets()
    why_not = host_reason(result.device, target)
    verdicts = [
        *judge_readings(subject, result.readings, budgets, why_not),
        *judge_placement(subject, budgets, result.readings, why_not),
    ]
    told = result.model_copy(update={"warnings": (*notes, *result.warnings)})
    return DeviceProfile(device=serial, result=told, verdicts=tuple(verdicts), info=result.device)
