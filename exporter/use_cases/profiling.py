"""Profiles files on one or several devices at once, and judges what was read."""

import contextlib
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from device_harness.discovery import discover, open_device
from device_harness.errors import CommandFailedError, DeviceError, DeviceNotFoundError, UnreadableOutputError
from device_harness.facts import DeviceInfo
from device_harness.local import LocalDevice
from device_harness.protocol import Device
from device_harness.runners.benchmark_model import find_on, identify
from device_harness.runners.build import Platform, build_litert_bench, find_litert_library, host_platform
from device_harness.runners.documents import DocumentRunner, LitertBench, LitertInProcess
from exporter.data.record import DeviceProfile
from exporter.data.target import Budgets, Target
from exporter.gates.readings import judge_outputs, judge_readings
from exporter.use_cases.device_choice import TFLITE_KINDS, host_reason, misfit
from profilers.plan import ProfilePlan
from profilers.readers.summaries import BenchmarkModel, profile_by_benchmark_model
from profilers.result import ProfileResult, profile_models
from profilers.stages.outputs import Reference, make_reference

Say = Callable[[str], None]
CLOSING_S = 5.0


class RunnerChoice(NamedTuple):
    """What runs the models, and a program and a library given by the user.

    `name` is ``auto``, ``litert_bench``, ``benchmark_model`` or ``in_process``.
    A `binary` that lies on this machine is pushed; any other text is a path on the device.
    """

    name: str = "auto"
    binary: str | None = None
    library: str | None = None


def profile(
    models: Sequence[Path],
    serials: Sequence[str],
    plan: ProfilePlan,
    choice: RunnerChoice,
    target: Target | None = None,
    *,
    name: str | None = None,
    compare_outputs: bool = True,
    opener: Callable[[str], Device] = open_device,
    say: Say = lambda words: None,
) -> list[DeviceProfile]:
    """Profile `models` on every device, each device in a thread of its own; a failing device does not stop the others.

    Args:
        models: .tflite files.
        serials: devices; ``local`` is this machine.
        plan: what to measure; the target's accelerator wins over the plan's.
        choice: the runner.
        target: by whose budgets the readings are judged; None judges outputs and accelerator only.
        name: what the verdicts are about; None takes the file's name.
        compare_outputs: whether to compare each device's outputs with this machine's.
        opener: gives a session for a serial.
        say: progress.
    """
    used, notes = plan_for(target, plan)
    with tempfile.TemporaryDirectory() as folder:
        compared = compare_outputs and list(serials) != ["local"]
        references, missing = _references(models, Path(folder), used) if compared else ({}, {})

        def measure(device: Device) -> list[DeviceProfile]:
            results = _measured(device, models, used, choose_runner(device, choice), references, say)
            compare = compare_outputs and device.serial != "local"
            return [_judged(result, target, notes, name, missing if compare else None) for result in results]

        return on_devices(serials, opener, measure, TFLITE_KINDS)


def on_devices(
    serials: Sequence[str],
    opener: Callable[[str], Device],
    measure: Callable[[Device], list[DeviceProfile]],
    kinds: Sequence[str],
) -> list[DeviceProfile]:
    """`measure` on every device, opened and closed around it; what fails on one is that one's error.

    Ctrl-C closes every device, which ends what is waited for and restores them, and does not wait for the plan.
    """
    opened: list[Device] = []
    found: dict[str, list[DeviceProfile]] = {}

    def work(serial: str) -> None:
        try:
            with opener(serial) as device:
                opened.append(device)
                found[serial] = measure(device)
        except DeviceNotFoundError as error:
            found[serial] = [DeviceProfile(device=serial, result=None, error=_explained(serial, kinds, error))]
        except DeviceError as error:
            found[serial] = [DeviceProfile(device=serial, result=None, error=str(error))]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - one device's fault is its own, the others' readings stay
            found[serial] = [DeviceProfile(device=serial, result=None, error=_fault(error))]

    if len(serials) == 1:
        work(serials[0])
        return found[serials[0]]
    workers = [threading.Thread(target=work, args=(serial,), daemon=True) for serial in serials]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    except KeyboardInterrupt:
        _close_all(opened, workers)
        raise
    return [item for serial in serials for item in found[serial]]


def _close_all(opened: Sequence[Device], workers: Sequence[threading.Thread]) -> None:
    """Close the devices at the same time, and give their workers a moment to see it."""

    def close(device: Device) -> None:
        with contextlib.suppress(DeviceError):
            device.close()

    closing = [threading.Thread(target=close, args=(device,)) for device in opened]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join()
    end = time.monotonic() + CLOSING_S
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))


def _fault(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}, line {last.lineno}"
    return f"{type(error).__name__}: {error}. This is a fault in mobile-export ({where})."


def _explained(serial: str, kinds: Sequence[str], error: DeviceError) -> str:
    """What is wrong with a device that was not found here, where another tool knows it."""
    return misfit(serial, kinds, discover()[0]) or str(error)


def plan_for(target: Target | None, plan: ProfilePlan) -> tuple[ProfilePlan, tuple[str, ...]]:
    """`plan` with the target's accelerator, and a sentence where the plan says another one."""
    if target is None or plan.accelerator == target.compute_units:
        return plan, ()
    notes: tuple[str, ...] = ()
    if "accelerator" in plan.model_fields_set:
        notes = (accelerator_note(plan.accelerator, target.name, target.compute_units),)
    return plan.model_copy(update={"accelerator": target.compute_units}), notes


def accelerator_note(planned: str, target: str, used: str) -> str:
    """Which of plan and target won."""
    return f"the plan says accelerator {planned!r} and target {target} {used!r}: the target's was asked for"


def _measured(
    device: Device, models: Sequence[Path], plan: ProfilePlan, runner: DocumentRunner | BenchmarkModel,
    references: dict[Path, Reference], say: Say,
) -> list[ProfileResult]:  # fmt: skip
    """With the accelerator of `plan`; on the CPU, with the reason as a warning, where it cannot be had.

    Readings of the CPU say that they are, so that no budget of the accelerator is judged by them.
    """
    try:
        return _run_plan(device, models, plan, runner, references, say)
    except (CommandFailedError, UnreadableOutputError) as error:
        if plan.accelerator == "cpu":
            raise
        unit = plan.accelerator.upper()
        say(f"{device.serial}: the {unit} cannot be had; measuring on the CPU")
        plain = plan.model_copy(update={"accelerator": "cpu"})
        results = _run_plan(device, models, plain, runner, references, say)
        warning = f"the {unit} could not be had, so that everything was measured on the CPU: {error}"
        return [_asked_for(result, plan, warning) for result in results]


def _run_plan(
    device: Device, models: Sequence[Path], plan: ProfilePlan, runner: DocumentRunner | BenchmarkModel,
    references: dict[Path, Reference], say: Say,
) -> list[ProfileResult]:  # fmt: skip
    if isinstance(runner, BenchmarkModel):
        return profile_by_benchmark_model(device, models, plan, runner, say=say)
    return profile_models(device, models, plan, runner, references=references, say=say)


def _asked_for(result: ProfileResult, plan: ProfilePlan, warning: str) -> ProfileResult:
    """`result`, which was taken on the CPU, as the answer to `plan`."""
    readings = tuple(
        reading.model_copy(update={"conditions": {**reading.conditions, "accelerator": plan.accelerator}})
        for reading in result.readings
    )
    outputs = result.outputs
    if outputs is not None:
        words = f"they are the CPU's, not the {plan.accelerator.upper()}'s: {outputs.reason}"
        outputs = outputs.model_copy(update={"checked": False, "reason": words})
    told = (*result.warnings, warning)
    return result.model_copy(update={"plan": plan, "readings": readings, "outputs": outputs, "warnings": told})


def choose_runner(device: Device, choice: RunnerChoice) -> DocumentRunner | BenchmarkModel:
    """The runner for `device`: in-process on this machine when LiteRT is installed, else litert_bench.

    A program given by the user may be litert_bench or either benchmark_model; ``benchmark_model`` looks for one that is
    on the device already.

    Raises:
        DeviceError: it cannot be built or found; the message says what to install or give.
    """
    info = device.info()
    wanted = choice.name
    if wanted == "auto":
        light = info.kind == "local" and choice.binary is None and find_spec("ai_edge_litert") is not None
        wanted = "in_process" if light else "litert_bench"
    if wanted == "in_process":
        return LitertInProcess()
    if wanted == "benchmark_model" or choice.binary is not None:
        found = _given_program(device, choice)
        if isinstance(found, BenchmarkModel):
            return found
        binary: Path | str = found
    else:
        binary = build_litert_bench(_platform(info))
    target = _platform(info)
    if choice.library is not None:
        library: Path | str = _here_or_there(choice.library)
    elif target == host_platform():
        library = find_litert_library()
    else:
        raise DeviceError(f"{device.serial} is {target.system} {target.architecture}: give its libLiteRt.so with "
                          "--litert-library (from the LiteRT AAR, or the aarch64 wheel of ai-edge-litert).",
                          serial=device.serial)  # fmt: skip
    return LitertBench(binary, library)


def _given_program(device: Device, choice: RunnerChoice) -> BenchmarkModel | str:
    """The user's program, or one found on the device, told apart by what it says of itself."""
    given = _here_or_there(choice.binary) if choice.binary is not None else find_on(device)
    if given is None:
        raise DeviceError(
            f"{device.serial} has no benchmark_model in the usual places. Give it with --benchmark-binary.",
            serial=device.serial,
        )
    program = device.push(given, "bench_runner", executable=True) if isinstance(given, Path) else given
    family = identify(device, program)
    return program if family == "litert_bench" else BenchmarkModel(program, family)


def _here_or_there(text: str) -> Path | str:
    path = Path(text)
    return path.resolve() if path.is_file() else text


def _platform(info: DeviceInfo) -> Platform:
    system = "android" if (info.os or "").startswith("Android") else "linux"
    return Platform(system, info.architecture or "arm64")


def _references(
    models: Sequence[Path], folder: Path, plan: ProfilePlan
) -> tuple[dict[Path, Reference], dict[Path, str]]:
    """Outputs of this machine, and for models without them the reason."""
    if find_spec("ai_edge_litert") is None:
        reason = "LiteRT is not installed here, so there is nothing to compare the outputs with: mobile-export[litert]."
        return {}, dict.fromkeys(models, reason)
    found, missing = {}, {}
    with LocalDevice() as here:
        for number, model in enumerate(dict.fromkeys(models)):
            files = folder / str(number)
            files.mkdir()
            try:
                found[model] = make_reference(here, model, files, plan.seed)
            except DeviceError as error:
                missing[model] = f"This machine itself could not run the model: {error}"
    return found, missing


def _judged(
    result: ProfileResult, target: Target | None, notes: tuple[str, ...], name: str | None,
    missing: dict[Path, str] | None,
) -> DeviceProfile:  # fmt: skip
    """Args: missing: why models have no outputs of this machine; None when outputs are not compared."""
    serial = result.device.serial
    subject = f"{name or Path(result.artifact).name} on {serial}"
    why_not = host_reason(result.device, target)
    verdicts = judge_readings(subject, result.readings, target.budgets if target else Budgets(), why_not)
    if missing is not None:
        verdicts.append(judge_outputs(subject, result.outputs, missing.get(Path(result.artifact), "")))
    told = result.model_copy(update={"warnings": (*notes, *result.warnings)})
    return DeviceProfile(device=serial, result=told, verdicts=tuple(verdicts), info=result.device)
