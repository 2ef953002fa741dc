"""The executors of this machine: their contract, memory, cores, and that no process outlives who started it."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from exporter.data.errors import UsageProblem
from exporter.data.progress import Silent
from exporter.execution import executor as executor_module
from exporter.execution.executor import Executor, PlaceOptions, executor_named
from exporter.execution.executors.inline import Inline
from exporter.execution.executors.processes import Processes
from exporter.execution.forked import can_fork
from exporter.execution.memory import available_bytes
from exporter.execution.threads import CORES, cores
from tests.contracts.executor import (
    ExecutorContract,
    IsolatedContract,
    Written,
    all_of,
    ends,
    process_in,
    processes_in,
    value_of,
)
from tests.exporter.execution import trials

WAYS = [pytest.param(True, id="copies"), pytest.param(False, id="started")] if can_fork() else [False]


@pytest.fixture
def progress() -> Written:
    return Written()


class TestInline(ExecutorContract):
    @pytest.fixture
    def executor(self, progress: Written) -> Iterator[Executor]:
        with closing(executor_named("inline", progress)) as executor:
            yield executor


@pytest.fixture(params=WAYS)
def fork(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def processes(
    progress: Written, fork: bool, slots: int = 2, available: Callable[[], int] = available_bytes
) -> Executor:
    return Executor(Processes(progress, slots, available, lambda: fork))


class TestProcesses(IsolatedContract):
    @pytest.fixture
    def executor(self, progress: Written, fork: bool) -> Iterator[Executor]:
        with closing(processes(progress, fork)) as executor:
            yield executor


def test_work_has_its_part_of_the_cores(progress: Written, fork: bool) -> None:
    with closing(processes(progress, fork, slots=1)) as executor:
        ticket = executor.submit(trials.own_cores, label="")
        assert value_of(all_of(executor)[ticket]) == cores()
    with closing(processes(progress, fork, slots=cores() + 1)) as executor:
        ticket = executor.submit(trials.own_cores, label="")
        assert value_of(all_of(executor)[ticket]) == 1


@pytest.mark.skipif(not can_fork(), reason="no copies on this system")
def test_a_copy_with_several_cores_computes_what_the_first_computed(progress: Written) -> None:
    """The helpers of OpenMP are gone in a copy, which would wait for them for ever."""
    expected = trials.sums(Silent())
    with closing(processes(progress, fork=True, slots=1)) as executor:
        ticket = executor.submit(trials.sums, label="")
        assert value_of(all_of(executor)[ticket]) == pytest.approx(expected)


def test_what_needs_more_memory_than_is_left_waits_until_nothing_else_runs(
    progress: Written, fork: bool, tmp_path: Path
) -> None:
    """Protects a machine from trials that together do not fit; what never fits has its turn too, and may fail."""
    with closing(processes(progress, fork, available=lambda: 1000)) as executor:
        for _ in range(3):
            executor.submit(trials.sleeps, tmp_path, 0.3, label="big", memory_bytes=2000)
        assert len(all_of(executor)) == 3
    times = sorted(tuple(map(float, path.read_text().split())) for path in tmp_path.glob("*.over"))
    assert all(over <= begun for (_, over), (begun, _) in pairwise(times))


def test_what_was_measured_is_what_the_next_of_the_label_needs(progress: Written, tmp_path: Path) -> None:
    """Over what the submitter supposed; other labels are not concerned."""
    with closing(processes(progress, fork=False, available=lambda: 100_000_000)) as executor:
        executor.submit(trials.fills, 200_000_000, label="big", memory_bytes=1)
        all_of(executor)
        first = executor.submit(trials.sleeps, tmp_path, 600, label="small", memory_bytes=1)
        process_in(tmp_path)
        executor.submit(trials.square, 2, label="big", memory_bytes=1)
        assert executor.finished(0.5) == []
        executor.cancel(first)
        assert len(all_of(executor)) == 2


class Vanishing(Inline):
    """A place that is gone after its first piece of work."""

    started = 0

    def has_room(self, need_bytes: int | None) -> bool:
        if self.started:
            raise UsageProblem("the place is gone.")
        self.started += 1
        return True


def test_what_was_found_is_told_before_the_end_of_its_place(progress: Written) -> None:
    executor = Executor(Vanishing(progress))
    first = executor.submit(trials.square, 3, label="")
    executor.submit(trials.square, 4, label="")
    [(ticket, outcome)] = executor.finished()
    assert (ticket, value_of(outcome)) == (first, 9)
    with pytest.raises(UsageProblem, match="the place is gone"):
        executor.finished()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
def test_a_killed_starter_leaves_no_process_behind(tmp_path: Path, fork: bool) -> None:
    script = f"""
        from pathlib import Path
        from exporter.data.progress import Silent
        from exporter.execution.executor import Executor
        from exporter.execution.executors.processes import Processes
        from tests.exporter.execution import trials
        executor = Executor(Processes(Silent(), 2, fork=lambda: {fork}))
        executor.submit(trials.sleeps, Path({str(tmp_path)!r}), 600, label="")
        executor.submit(trials.sleeps, Path({str(tmp_path)!r}), 600, label="")
        executor.finished()
    """
    starter = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    pids = processes_in(tmp_path, 2)
    starter.kill()
    starter.wait()
    assert all(map(ends, pids))


def test_ctrl_c_that_something_swallowed_is_raised_all_the_same(
    progress: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects Ctrl-C in a callback whose errors Python ignores: a search went on to its end, with exit code 0."""
    monkeypatch.setattr(executor_module, "interrupted", lambda: True)
    with closing(executor_named("inline", progress)) as executor:
        executor.submit(trials.square, 3, label="one")
        with pytest.raises(KeyboardInterrupt):
            executor.finished()


def test_the_user_says_how_many_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageProblem, match="0 workers carry out nothing"):
        executor_named("processes", Silent(), PlaceOptions(at_once=0))
    with closing(executor_named("processes", Silent(), PlaceOptions(at_once=5))) as executor:
        assert executor.slots == 5
    monkeypatch.setenv(CORES, "1")
    with closing(executor_named("processes", Silent())) as executor:
        assert executor.slots == 1
    monkeypatch.setenv(CORES, "all")
    with pytest.raises(UsageProblem, match="MOBILE_EXPORT_CORES is a number of cores, such as 4; not 'all'"):
        executor_named("processes", Silent())


def test_a_container_has_the_memory_of_its_group(tmp_path: Path) -> None:
    """Whose limit the system's own figures do not know; files that it can give back are there."""
    limits = {"memory.max": "1000\n", "memory.current": "700\n", "memory.stat": "anon 500\ninactive_file 200\n"}
    for name, text in limits.items():
        (tmp_path / name).write_text(text)
    assert available_bytes(tmp_path) == 500
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(tmp_path) == pytest.approx(psutil.virtual_memory().available, rel=0.2)
