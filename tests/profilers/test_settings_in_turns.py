"""Settings of a sweep in a session: they take turns, and one that the runner refuses ends no other."""

from pathlib import Path
from typing import Any

from device_harness.errors import CommandFailedError
from device_harness.protocol import Device
from device_harness.runners.bench_document import BenchDocument
from device_harness.runners.runner import RunRequest
from profilers.bench import Bench
from profilers.plan import ProfilePlan
from profilers.session import profile_models
from tests.profilers.apple.test_placement import SAMPLE
from tests.profilers.sessions import Session

PLAN = ProfilePlan.desk_check(processes=4)


class NoGpu:
    """A runner of a device without one."""

    name = "without a GPU"

    def __init__(self, session: Session) -> None:
        self._runner = session.runner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)

    def run(self, device: Device, request: RunRequest) -> BenchDocument:
        if request.accelerator == "gpu":
            raise CommandFailedError("no GPU here")
        return self._runner.run(device, request)


def test_settings_take_turns_and_a_refused_one_says_why(tmp_path: Path) -> None:
    session = Session(SAMPLE)
    runner: Any = NoGpu(session)
    plans = [PLAN.model_copy(update=change) for change in ({"threads": 1}, {"accelerator": "gpu"}, {"threads": 4})]
    bench: Bench[Any] = Bench(runner, session.bench.reader)
    device: Any = session.device
    probe: Any = session.probe
    found = profile_models(
        device,
        [tmp_path],
        PLAN,
        bench,
        probe=probe,
        clock=session.clock,
        settings=plans,
    )
    assert [(one.plan.threads, one.plan.accelerator) for one in found] == [(1, "cpu"), (1, "gpu"), (4, "cpu")]
    assert [(bool(one.readings), one.stopped) for one in found] == [(True, None), (False, "no GPU here"), (True, None)]
    threads = [request.threads for request in session.runner.requests]
    assert (threads.count(1), threads.count(4)) == (4, 4)
    assert threads != sorted(threads), "they do not take turns"
