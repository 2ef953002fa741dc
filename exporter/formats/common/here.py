"""Formats that are measured on this machine alone, by one runner that prints bench documents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_harness.finder import DeviceKind
from device_harness.protocol import Device
from device_harness.runners.documents import DocumentRunner
from exporter.formats.devices import References, RunnerChoice, RunnerOption
from profilers.bench import Bench
from profilers.plan import ProfilePlan
from profilers.readers.documents import DocumentReader
from profilers.stages.energy import EnergyStage
from profilers.stages.sustained import sustained


@dataclass
class DevicesHere:
    """Implements `DeviceSupport`; outputs are this machine's own, so that nothing is compared."""

    subject: str
    runner: Callable[[], DocumentRunner]
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

    def references(self, models: Sequence[Path], folder: Path, plan: ProfilePlan) -> References:
        """None."""
        del models, folder, plan
        return References()

    def bench(
        self, device: Device, choice: RunnerChoice, plan: ProfilePlan, target: Any, references: References
    ) -> Bench[Any]:
        """All that the runner can tell."""
        del device, choice, plan, target, references
        runner = self.runner()
        return Bench(runner, DocumentReader(), (EnergyStage(), sustained), together=runner.run_in_turns)
