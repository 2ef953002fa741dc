"""TFLite on devices: LiteRT in process, litert_bench, or a benchmark_model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from device_harness.errors import DeviceError
from device_harness.facts import DeviceInfo
from device_harness.finder import DeviceKind
from device_harness.local import LocalDevice
from device_harness.protocol import Device
from device_harness.runners.bench_document import BenchDocument
from device_harness.runners.benchmark_model import BenchmarkModel, find_on, identify
from device_harness.runners.build import find_litert_library, litert_bench_for
from device_harness.runners.documents import DocumentRunner
from device_harness.runners.in_process import LitertInProcess
from device_harness.runners.litert_bench import LitertBench
from device_harness.runners.litert_bench_app import LitertBenchApp
from device_harness.runners.platforms import Platform, host_platform
from exporter.formats.devices import Port, References, RunnerChoice, RunnerOption, accelerator_note
from exporter.formats.tflite.ports import input_ports
from exporter.formats.tflite.settings import TfliteTarget
from profilers.bench import Bench
from profilers.plan import ProfilePlan
from profilers.readers.documents import DocumentReader
from profilers.readers.summaries import SummaryReader
from profilers.stages.cold_loads import cold_loads
from profilers.stages.energy import EnergyStage
from profilers.stages.operators import document_operators, operators
from profilers.stages.outputs import OutputsStage, make_reference
from profilers.stages.sustained import sustained
from profilers.watch.sampled import watch_process

LITERT = "ai_edge_litert"


class _Devices:
    subject = "a .tflite file"
    here = "local"
    runners: tuple[str, ...] = ("litert_bench", "litert_bench_app", "benchmark_model", "in_process")
    compares_outputs = True
    options: tuple[RunnerOption, ...] = (
        RunnerOption("--benchmark-binary", "binary", "litert_bench or a benchmark_model, here or on the device."),
        RunnerOption("--benchmark-app", "app", "An .apk of device_harness/android: the foreground.", here=True),
        RunnerOption("--libraries", "libraries", "Folder with LiteRT's accelerator and dispatch libraries for it."),
        RunnerOption("--litert-library", "library", "libLiteRt.so for the device, here or there."),
    )

    def runs_on(self, kind: DeviceKind) -> bool:
        return kind.runs == "programs"

    def planned(self, plan: ProfilePlan, target: TfliteTarget | None) -> tuple[ProfilePlan, tuple[str, ...]]:
        if target is None or plan.accelerator == target.compute_units:
            return plan, ()
        notes: tuple[str, ...] = ()
        if "accelerator" in plan.model_fields_set:
            notes = (accelerator_note(plan.accelerator, target.name, target.compute_units),)
        return plan.model_copy(update={"accelerator": target.compute_units}), notes

    def ports(self, model: Path, signature: str | None) -> tuple[Port, ...]:
        return input_ports(model, signature)

    def references(
        self, models: Sequence[Path], folder: Path, plan: ProfilePlan, inputs: Mapping[str, Path]
    ) -> References:
        if find_spec(LITERT) is None:
            reason = (
                "LiteRT is not installed here, so there is nothing to compare the outputs with: mobile-export[litert]."
            )
            return References(missing=dict.fromkeys(models, reason))
        found, missing = {}, {}
        with LocalDevice() as here:
            for number, model in enumerate(dict.fromkeys(models)):
                files = folder / str(number)
                files.mkdir()
                try:
                    runner = LitertInProcess(inputs)
                    runner.prepare(here)
                    found[model] = make_reference(here, runner, model, files, plan.seed, plan)
                except DeviceError as error:
                    missing[model] = f"This machine itself could not run the model: {error}"
        return References(found, missing)

    def bench(
        self,
        device: Device,
        choice: RunnerChoice,
        plan: ProfilePlan,
        target: TfliteTarget | None,
        references: References,
    ) -> Bench[Any]:
        """In process on this machine when LiteRT is installed, else litert_bench.

        A program given by the user may be litert_bench or either benchmark_model; ``benchmark_model`` looks for one
        that is on the device already.
        """
        del target
        info, wanted = device.info(), choice.name
        if wanted == "auto":
            given = (choice.libraries, choice.binary, choice.app)
            light = (
                info.connection == "here" and not plan.op_profile and not any(given) and find_spec(LITERT) is not None
            )
            wanted = "in_process" if light else "litert_bench"
        if wanted == "in_process":
            return document_bench(LitertInProcess(choice.inputs), references)
        if wanted == "litert_bench_app" or choice.app is not None:
            bench = document_bench(LitertBenchApp(_app(choice), choice.inputs), references)
            return replace(bench, lit=True, together=None)
        if wanted == "benchmark_model" or choice.binary is not None:
            return _given(device, choice, plan, references)
        return document_bench(_litert_bench(litert_bench_for(_platform(info)), device, choice), references)


def _litert_bench(program: Path | str, device: Device, choice: RunnerChoice) -> LitertBench:
    accelerators = sorted(Path(choice.libraries).rglob("*.so")) if choice.libraries is not None else []
    if choice.libraries is not None and not accelerators:
        raise DeviceError(f"--libraries {choice.libraries}: there is no .so in it.", serial=device.serial)
    return LitertBench(program, _library(device, choice), accelerators=accelerators, inputs=choice.inputs)


def document_bench(runner: DocumentRunner, references: References) -> Bench[BenchDocument]:
    """All that a runner of this project can tell."""
    stages = (cold_loads, document_operators, EnergyStage(), sustained, OutputsStage(references.found))
    return Bench(runner, DocumentReader(), stages, together=runner.run_in_turns)


def _app(choice: RunnerChoice) -> Path:
    if choice.app is None:
        raise DeviceError(
            "--runner litert_bench_app needs the app: build device_harness/android, and --benchmark-app FILE."
        )
    return Path(choice.app)


def _given(device: Device, choice: RunnerChoice, plan: ProfilePlan, references: References) -> Bench[Any]:
    """The user's program, or one found on the device, told apart by what it says of itself."""
    given = _here_or_there(choice.binary) if choice.binary is not None else find_on(device)
    if given is None:
        raise DeviceError(
            f"{device.serial} has no benchmark_model in the usual places. Give it with --benchmark-binary.",
            serial=device.serial,
        )
    program = device.push(given, "bench_runner", executable=True) if isinstance(given, Path) else given
    family = identify(device, program)
    if family == LitertBench.name:
        return document_bench(_litert_bench(program, device, choice), references)
    if plan.signature or plan.input_shapes or choice.inputs:
        raise DeviceError(
            f"{device.serial}: {program} is a benchmark_model: inputs, their shapes and signatures take litert_bench.",
            serial=device.serial,
        )
    runner = BenchmarkModel(program, family, watch_process(plan.sampling_interval_s))
    return Bench(runner, SummaryReader(), (operators,))


def _library(device: Device, choice: RunnerChoice) -> Path | str:
    target = _platform(device.info())
    if choice.library is not None:
        return _here_or_there(choice.library)
    if target == host_platform():
        return find_litert_library()
    raise DeviceError(
        f"{device.serial} is {target.system} {target.architecture}: give its libLiteRt.so with --litert-library (from "
        "the LiteRT AAR, or the aarch64 wheel of ai-edge-litert).",
        serial=device.serial,
    )


def _here_or_there(text: str) -> Path | str:
    path = Path(text)
    return path.resolve() if path.is_file() else text


def _platform(info: DeviceInfo) -> Platform:
    system = "android" if (info.os or "").startswith("Android") else "linux"
    return Platform(system, info.architecture or "arm64")


DEVICES = _Devices()
