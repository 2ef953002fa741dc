"""Profiles Core ML models on iPhones, simulators and this Mac, and judges what was read."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from device_harness.apple.settings import AppleSettings
from device_harness.apple_discovery import open_device
from device_harness.device import Device
from device_harness.errors import DeviceError
from device_harness.runners.coreml import accelerator, model_digest
from device_harness.runners.coreml_build import prepare
from device_harness.runners.coremltools_benchmarker import benchmark
from exporter.placement import judge_placement
from exporter.profiling import DeviceProfile, Say
from exporter.profiling_gates import judge_readings
from exporter.targets.settings import Budgets, CoremlTarget
from profilers.apple_benchmarker import benchmarker_readings
from profilers.coreml_session import CoremlRun, profile_coreml
from profilers.plan import ProfilePlan
from profilers.session import ProfileResult

COREML_SUFFIXES = (".mlpackage", ".mlmodelc", ".mlmodel")
APPLE_KINDS = ("ios", "simulator", "mac")
PLAN_UNITS = {"cpu": "cpu", "gpu": "cpu_and_gpu", "npu": "cpu_and_ne"}


def is_coreml(model: Path) -> bool:
    """Whether the name is that of a Core ML model."""
    return model.suffix in COREML_SUFFIXES


def profile_apple(
    models: Sequence[Path],
    serials: Sequence[str],
    plan: ProfilePlan,
    target: CoremlTarget | None = None,
    *,
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
        instruments: whether Instruments records in a run apart too.
        coremltools: whether coremltools' benchmarker runs the models instead of the runner, which must be signed.
        opener: gives a session for a serial.
        preparer: builds and installs the runner; gives the tool's path on a Mac.
        say: progress.
    """
    units = accelerator(target.compute_units) if target else PLAN_UNITS[plan.accelerator]
    budgets = target.budgets if target else Budgets()

    def work(serial: str) -> list[DeviceProfile]:
        try:
            with opener("mac" if serial == "local" else serial) as device:
                if coremltools:
                    results = [_benchmarked(device, model, plan) for model in models]
                else:
                    run = CoremlRun(units, preparer(device), instruments)
                    results = profile_coreml(device, models, plan, run, say=say)
        except DeviceError as error:
            return [DeviceProfile(device=serial, result=None, error=str(error))]
        return [_judged(serial, result, budgets) for result in results]

    with ThreadPoolExecutor(max_workers=max(1, len(serials))) as pool:
        return [found for of_device in pool.map(work, serials) for found in of_device]


def _benchmarked(device: Device, model: Path, plan: ProfilePlan) -> ProfileResult:
    """With coremltools' own choice of compute units, all of them, and one warm-up prediction."""
    info, taken_at = device.info(), datetime.now(UTC)
    remote = None if info.kind == "mac" else info.serial
    team = AppleSettings.from_environment().team
    result = benchmark(model, loads=plan.processes, runs=plan.runs, device=remote, team=team)
    conditions = {"compute_units": "all", "quick": str(plan.quick).lower(), "runtime": result.source}
    readings = benchmarker_readings(result, info, conditions=conditions, taken_at=taken_at)
    return ProfileResult(artifact=str(model), sha256=model_digest(model), device=info, plan=plan, readings=readings)


def _judged(serial: str, result: ProfileResult, budgets: Budgets) -> DeviceProfile:
    subject = f"{Path(result.artifact).name} on {serial}"
    verdicts = [*judge_readings(subject, result.readings, budgets), *judge_placement(subject, budgets, result.readings)]
    return DeviceProfile(device=serial, result=result, verdicts=tuple(verdicts))
