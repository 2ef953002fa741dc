"""Work in processes beside this one: results, progress, what a crash costs, and that none outlives who started it."""

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.data.progress import Advance, Silent
from exporter.execution.forked import can_fork
from exporter.execution.workers import Outcome, Task, beside
from tests.exporter.execution.tasks import crashes_at, fails, sleeps, squares, sums

EITHER = pytest.mark.parametrize("fork", [True, False] if can_fork() else [False])


class Written:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @contextmanager
    def stage(self, text: str) -> Iterator[Advance]:
        self.told.append(f"+{text}")
        yield lambda done, total: self.told.append(f"{done} of {total}")
        self.told.append(f"-{text}")

    def note(self, text: str) -> None:
        self.told.append(text)


@EITHER
def test_results_come_in_the_order_of_tasks_while_something_else_is_done(fork: bool) -> None:
    with beside([Task(squares, ([1, 2],)), Task(squares, ([3],))], Silent(), fork=fork) as outcomes:
        meanwhile = 7
        assert outcomes() == [Outcome((1, 4)), Outcome((9,))]
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
    assert whole == Outcome((9,))


@EITHER
def test_a_task_that_fails_keeps_what_it_gave(fork: bool) -> None:
    with beside([Task(fails, ())], Silent(), fork=fork) as outcomes:
        assert outcomes() == [Outcome((1,))]


def process_of(folder: Path) -> int:
    """The process that `sleeps`, once it is there."""
    deadline = time.monotonic() + 60
    while not (found := list(folder.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(found[0].name)


def ends(pid: int) -> bool:
    """Whether the process is gone, or soon."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@EITHER
def test_who_is_interrupted_ends_the_processes(tmp_path: Path, fork: bool) -> None:
    def interrupted() -> None:
        with beside([Task(sleeps, (tmp_path,))], Silent(), fork=fork):
            process_of(tmp_path)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ends(process_of(tmp_path))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
@EITHER
def test_a_killed_starter_leaves_no_process_behind(tmp_path: Path, fork: bool) -> None:
    script = f"""
        from pathlib import Path
        from exporter.data.progress import Silent
        from exporter.execution.workers import Task, beside
        from tests.exporter.execution.tasks import sleeps
        with beside([Task(sleeps, (Path({str(tmp_path)!r}),))], Silent(), fork={fork}) as outcomes:
            outcomes()
    """
    starter = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    pid = process_of(tmp_path)
    starter.kill()
    starter.wait()
    assert ends(pid)
