"""Profiles files on one or several devices at once, and judges what was read."""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from device_harness.device import Device, DeviceInfo, DeviceState
from device_harness.discovery import discover, open_device
from device_harness.errors import DeviceError
from device_harness.local import LocalDevice
from device_harness.runners.benchmark_model import find_on, identify
from device_harness.runners.build import Platform, build_litert_bench, find_litert_library, host_platform
from device_harness.runners.documents import DocumentRunner, LitertBench, LitertInProcess
from exporter.errors import UsageProblem
from exporter.profiling_gates import judge_outputs, judge_readings
from exporter.targets.settings import Budgets
from exporter.verdicts import Verdict
from profilers.benchmark_session import BenchmarkModel, profile_by_benchmark_model
from profilers.output_check import Reference, make_reference
from profilers.plan import ProfilePlan
from profilers.session import ProfileResult, profile_models

Say = Callable[[str], None]
TFLITE_KINDS = ("local", "adb")


class RunnerChoice(NamedTuple):
    """What runs the models, and a program and a library given by the user.

    `name` is ``auto``, ``litert_bench``, ``benchmark_model`` or ``in_process``.
    A `binary` that lies on this machine is pushed; any other text is a path on the device.
    """

    name: str = "auto"
    binary: str | None = None
    library: str | None = None


class DeviceProfile(BaseModel):
    """One model on one device, judged; or the reason why there is nothing to judge."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    device: str
    result: ProfileResult | None
    verdicts: tuple[Verdict, ...] = ()
    error: str | None = None


def profile(
    models: Sequence[Path],
    serials: Sequence[str],
    plan: ProfilePlan,
    choice: RunnerChoice,
    budgets: Budgets | None = None,
    *,
    compare_outputs: bool = True,
    opener: Callable[[str], Device] = open_device,
    say: Say = lambda words: None,
) -> list[DeviceProfile]:
    """Profile `models` on every device, each device in a thread of its own; a failing device does not stop the others.

    Args:
        models: .tflite files.
        serials: devices; ``local`` is this machine.
        plan: what to measure.
        choice: the runner.
        budgets: to judge by; None judges outputs and accelerator only.
        compare_outputs: whether to compare each device's outputs with this machine's.
        opener: gives a session for a serial.
        say: progress.
    """
    with tempfile.TemporaryDirectory() as folder:
        references = _references(models, Path(folder), plan) if compare_outputs and serials != ["local"] else {}

        opened: list[Device] = []

        def work(serial: str) -> list[DeviceProfile]:
            try:
                with opener(serial) as device:
                    opened.append(device)
                    runner = choose_runner(device, choice)
                    if isinstance(runner, BenchmarkModel):
                        results = profile_by_benchmark_model(device, models, plan, runner, say=say)
                    else:
                        results = profile_models(device, models, plan, runner, references=references, say=say)
            except DeviceError as error:
                return [DeviceProfile(device=serial, result=None, error=str(error))]
            compared = compare_outputs and serial != "local"
            return [_judged(serial, result, budgets, compared) for result in results]

        if len(serials) == 1:
            return work(serials[0])
        with ThreadPoolExecutor(max_workers=max(1, len(serials))) as pool:
            try:
                return [found for of_device in pool.map(work, serials) for found in of_device]
            except KeyboardInterrupt:
                # Ends what the workers wait for; the devices restore and clear up now, not at the end of the plan.
                for device in opened:
                    device.close()
                raise


def resolve_devices(asked: Sequence[str], kinds: Sequence[str] = TFLITE_KINDS) -> list[str]:
    """Serials of ``--device``: ``all`` stands for every device of these kinds that is ready.

    Raises:
        UsageProblem: the same device twice.
    """
    serials: list[str] = []
    for name in asked or ["local"]:
        serials += _ready(kinds) if name == "all" else [name]
    if len(set(serials)) != len(serials):
        raise UsageProblem("--device names a device twice.")
    return serials


def _ready(kinds: Sequence[str]) -> list[str]:
    return [info.serial for info in discover()[0] if info.state is DeviceState.READY and info.kind in kinds]


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


def _references(models: Sequence[Path], folder: Path, plan: ProfilePlan) -> dict[Path, Reference]:
    """Outputs of this machine; empty when LiteRT is not installed here."""
    if find_spec("ai_edge_litert") is None:
        return {}
    found = {}
    with LocalDevice() as here:
        for number, model in enumerate(dict.fromkeys(models)):
            files = folder / str(number)
            files.mkdir()
            found[model] = make_reference(here, model, files, plan.seed)
    return found


def _judged(serial: str, result: ProfileResult, budgets: Budgets | None, compared: bool) -> DeviceProfile:
    subject = f"{Path(result.artifact).name} on {serial}"
    verdicts = judge_readings(subject, result.readings, budgets or Budgets())
    if compared:
        verdicts.append(judge_outputs(subject, result.outputs))
    return DeviceProfile(device=serial, result=result, verdicts=tuple(verdicts))
