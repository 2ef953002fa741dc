"""Formats that are measured on this machine alone, by one runner that prints bench documents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_harness.finder import DeviceKind
from device_harness.protocol import Device
from device_harness.runners.documents import DocumentRunner
from exporter.data.errors import UsageProblem
from exporter.formats.devices import Port, References, RunnerChoice, RunnerOption
from profilers.bench import Bench
from profilers.plan import ProfilePlan
from profilers.readers.documents import DocumentReader
from profilers.stages.cold_loads import cold_loads
from profilers.stages.energy import EnergyStage
from profilers.stages.sustained import sustained


@dataclass
class DevicesHere:
    """Implements `DeviceSupport`; outputs are this machine's own, so that nothing is compared."""

    subject: str
    runner: Callable[[Mapping[str, Path]], DocumentRunner]
    find_ports: Callable[[Path], tuple[Port, ...]]
    runners: tuple[str, ...] = ("in_process",)
    here: str = "local"
    compares_outputs: bool = False
    options: tuple[RunnerOption, ...] = ()

    def runs_on(self, kind: DeviceKind) -> bool:
        """This machine."""
        return kind.here and kind.runs == "programs"

    def planned(self, plan: ProfilePlan, target: Any) -> tuple[ProfilePlan, tuple[str, ...]]:
        """The runner has the CPU alone; what else is asked for, it says."""
        del target
        return plan, ()

    def ports(self, model: Path, signature: str | None) -> tuple[Port, ...]:
        """See `DeviceSupport.ports`."""
        if signature is not None:
            raise UsageProblem(f"--signature {signature}: {self.subject} has no signatures.")
        return self.find_ports(model)

    def references(
        self, models: Sequence[Path], folder: Path, plan: ProfilePlan, inputs: Mapping[str, Path]
    ) -> References:
        """None."""
        del models, folder, plan, inputs
        return References()

    def bench(
        self, device: Device, choice: RunnerChoice, plan: ProfilePlan, target: Any, references: References
    ) -> Bench[Any]:
        """All that the runner can tell."""
        del device, plan, target, references
        runner = self.runner(choice.inputs)
        stages = (cold_loads, EnergyStage(), sustained)
        return Bench(runner, DocumentReader(), stages, together=runner.run_in_turns)
