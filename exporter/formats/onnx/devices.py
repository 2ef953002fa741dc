"""ONNX models on devices: ONNX Runtime in a process of its own, on this machine alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device_harness.protocol import Device
from exporter.formats.devices import References, RunnerChoice, accelerator_note
from exporter.formats.onnx.host import OnnxRuntimeInProcess
from exporter.formats.onnx.settings import OnnxTarget
from profilers.bench import Bench
from profilers.plan import ProfilePlan
from profilers.readers.documents import DocumentReader
from profilers.stages.energy import EnergyStage
from profilers.stages.sustained import sustained


class _Devices:
    subject = "an ONNX model"
    places = "this machine"
    nothing = "device that runs ONNX models"
    here = "local"
    runners: tuple[str, ...] = ("in_process",)
    compares_outputs = False

    def planned(self, plan: ProfilePlan, target: OnnxTarget | None) -> tuple[ProfilePlan, tuple[str, ...]]:
        """XNNPACK's kernels are the CPU's."""
        if target is None:
            return plan, ()
        wanted = "npu" if target.compute_units == "npu" else "cpu"
        said = "accelerator" in plan.model_fields_set and plan.accelerator != wanted
        notes = (accelerator_note(plan.accelerator, target.name, wanted),) if said else ()
        return plan.model_copy(update={"accelerator": wanted}), notes

    def references(self, models: Sequence[Path], folder: Path, plan: ProfilePlan) -> References:
        """None: what is measured is this machine."""
        del models, folder, plan
        return References()

    def bench(
        self, device: Device, choice: RunnerChoice, plan: ProfilePlan, target: OnnxTarget | None, references: References
    ) -> Bench[Any]:
        """The one runner there is."""
        del device, choice, plan, target, references
        return Bench(OnnxRuntimeInProcess(), DocumentReader(), (EnergyStage(), sustained))


DEVICES = _Devices()
