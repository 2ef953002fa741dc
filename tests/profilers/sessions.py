"""A session whose device, runner, probe and clock are stand-ins."""

from collections.abc import Sequence
from pathlib import Path

from device_harness.runners.bench_document import BenchDocument
from profilers.bench import Bench, Stage
from profilers.plan import ProfilePlan
from profilers.readers.coreml import CoremlReader
from profilers.readings import Reading
from profilers.result import ProfileResult
from profilers.session import profile_models
from tests.fakes.session import FakeDevice, LookingProbe, PassingClock, PreparedRunner
from tests.profilers.apple.test_placement import SAMPLE

PLAN = ProfilePlan.desk_check(processes=2)


class Session:
    """A session with stand-ins; `run` gives its result."""

    def __init__(
        self, *documents: BenchDocument, device: FakeDevice | None = None, stages: Sequence[Stage] = ()
    ) -> None:
        self.clock = PassingClock()
        self.runner = PreparedRunner(documents or (SAMPLE,), self.clock, run_s=1.0)
        self.device = device or FakeDevice()
        self.probe = LookingProbe()
        self.bench = Bench(self.runner, CoremlReader("cpu_and_ne"), tuple(stages))

    def run(self, model: Path, plan: ProfilePlan = PLAN) -> ProfileResult:
        (result,) = self.run_all([model], plan)
        return result

    def run_all(self, models: Sequence[Path], plan: ProfilePlan = PLAN) -> list[ProfileResult]:
        return profile_models(self.device, models, plan, self.bench, probe=self.probe, clock=self.clock)  # type: ignore[arg-type]

    def readings(self, model: Path, plan: ProfilePlan = PLAN) -> dict[str, Reading]:
        return {reading.metric: reading for reading in self.run(model, plan).readings}
