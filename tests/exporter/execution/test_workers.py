"""Work in processes beside this one: results, progress, what a crash costs, and that none outlives who started it."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from exporter.data.progress import Silent
from exporter.execution.child import Task
from exporter.execution.forked import can_fork
from exporter.execution.workers import Given, beside
from tests.contracts.executor import Written, ends, process_in
from tests.exporter.execution.tasks import crashes_at, fails, sleeps, squares, sums

EITHER = pytest.mark.parametrize("fork", [True, False] if can_fork() else [False])


@EITHER
def test_results_come_in_the_order_of_tasks_while_something_else_is_done(fork: bool) -> None:
    with beside([Task(squares, ([1, 2],)), Task(squares, ([3],))], Silent(), fork=fork) as outcomes:
        meanwhile = 7
        assert outcomes() == [Given((1, 4)), Given((9,))]
    assert meanwhile == 7


@pytest.mark.skipif(not can_fork(), reason="no copies on this system")
def test_a_copy_computes_what_the_first_computed_with_threads_that_are_not_copied() -> None:
    """The helpers of OpenMP are gone in a copy, which would wait for them for ever."""
    expected = tuple(sums(Silent()))
    with beside([Task(sums, ()), Task(sums, ())], Silent(), fork=True) as outcomes:
        found = outcomes()
    assert [one.results for one in found] == [pytest.approx(expected)] * 2


@EITHER
def test_progress_comes_through(fork: bool) -> None:
    progress = Written()
    with beside([Task(squares, ([5],))], progress, fork=fork) as outcomes:
        outcomes()
    assert progress.told == ["+squaring 5", "1 of 2", "-squaring 5", "5 is done"]


@EITHER
def test_a_crash_costs_what_was_at_work_and_nothing_else(fork: bool) -> None:
    with beside([Task(crashes_at, (2,)), Task(squares, ([3],))], Silent(), fork=fork) as outcomes:
        crashed, whole = outcomes()
    assert crashed.results == (0, 1)
    assert crashed.ended_by == "Segmentation fault"
    assert whole == Given((9,))


@EITHER
def test_a_task_that_fails_keeps_what_it_gave(fork: bool) -> None:
    with beside([Task(fails, ())], Silent(), fork=fork) as outcomes:
        assert outcomes() == [Given((1,))]


@EITHER
def test_who_is_interrupted_ends_the_processes(tmp_path: Path, fork: bool) -> None:
    def interrupted() -> None:
        with beside([Task(sleeps, (tmp_path,))], Silent(), fork=fork):
            process_in(tmp_path)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ends(process_in(tmp_path))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
@EITHER
def test_a_killed_starter_leaves_no_process_behind(tmp_path: Path, fork: bool) -> None:
    script = f"""
        from pathlib import Path
        from exporter.data.progress import Silent
        from exporter.execution.child import Task
        from exporter.execution.workers import beside
        from tests.exporter.execution.tasks import sleeps
        with beside([Task(sleeps, (Path({str(tmp_path)!r}),))], Silent(), fork={fork}) as outcomes:
            outcomes()
    """
    starter = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    pid = process_in(tmp_path)
    starter.kill()
    starter.wait()
    assert ends(pid)
