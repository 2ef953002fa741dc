"""Core ML on devices: the Swift runner, or coremltools' benchmarker where that cannot be signed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from device_harness.apple.settings import AppleSettings
from device_harness.finder import DeviceKind
from device_harness.protocol import Device
from device_harness.runners.coreml import CoremlBench, accelerator
from device_harness.runners.coreml_build import prepare
from device_harness.runners.coremltools_benchmarker import CoremltoolsBenchmarker
from exporter.data.errors import UsageProblem
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.devices import Port, References, RunnerChoice, RunnerOption, accelerator_note
from profilers.bench import Bench, Stage
from profilers.plan import ProfilePlan
from profilers.readers.benchmarker import BenchmarkerReader
from profilers.readers.coreml import CoremlReader
from profilers.stages.energy import EnergyStage
from profilers.stages.instruments import InstrumentsStage
from profilers.stages.sustained import sustained

PLAN_UNITS = {"cpu": "cpu", "gpu": "cpu_and_gpu", "npu": "cpu_and_ne"}


class CoremlDevices:
    """Implements `DeviceSupport`."""

    subject = "a Core ML model"
    here = "mac"
    runners: tuple[str, ...] = ("coreml_bench", "coremltools")
    compares_outputs = False
    options: tuple[RunnerOption, ...] = (
        RunnerOption("--instruments", "instruments", "Core ML: record with Instruments too.", takes_path=False),
    )

    def __init__(self, prepare: Callable[[Device], str | None] = prepare) -> None:
        """Args: prepare: builds and installs the runner; gives the tool's path on a Mac."""
        self._prepare = prepare

    def runs_on(self, kind: DeviceKind) -> bool:
        """Those with the runner's app, and Macs."""
        return kind.runs == "apps"

    def planned(self, plan: ProfilePlan, target: CoremlTarget | None) -> tuple[ProfilePlan, tuple[str, ...]]:
        """The units are the target's, see `units_for`; the plan keeps what it says."""
        units = units_for(plan, target)
        if target is None or "accelerator" not in plan.model_fields_set or units == PLAN_UNITS[plan.accelerator]:
            return plan, ()
        return plan, (accelerator_note(plan.accelerator, target.name, target.compute_units),)

    def ports(self, model: Path, signature: str | None) -> tuple[Port, ...]:
        """None can be given: the runner makes them."""
        raise UsageProblem(f"{model.name}: Core ML models are measured with inputs and shapes of the runner's own.")

    def references(
        self, models: Sequence[Path], folder: Path, plan: ProfilePlan, inputs: Mapping[str, Path]
    ) -> References:
        """None: nothing is compared."""
        del models, folder, plan, inputs
        return References()

    def bench(
        self,
        device: Device,
        choice: RunnerChoice,
        plan: ProfilePlan,
        target: CoremlTarget | None,
        references: References,
    ) -> Bench[Any]:
        """See `DeviceSupport.bench`."""
        del device, references
        units = units_for(plan, target)
        if choice.name == CoremltoolsBenchmarker.name:
            team = AppleSettings.from_environment().team
            return Bench(CoremltoolsBenchmarker(team), BenchmarkerReader(units))
        stages: tuple[Stage, ...] = (EnergyStage(), sustained)
        if choice.instruments:
            stages = (InstrumentsStage(), *stages)
        return Bench(CoremlBench(units, self._prepare), CoremlReader(units), stages)


def units_for(plan: ProfilePlan, target: CoremlTarget | None) -> str:
    """Compute units in the bench document's words, the target's before the plan's."""
    return PLAN_UNITS[plan.accelerator] if target is None else accelerator(target.compute_units)


DEVICES = CoremlDevices()
