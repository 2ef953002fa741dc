"""What every executor owes, as tests.

Derive a class whose name begins with ``Test`` from `ExecutorContract`, with fixtures `progress` and `executor`, which
carries out two pieces of work at once and tells `progress`; and from `IsolatedContract` where each has a process.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from exporter.data.progress import Advance
from exporter.execution.executor import Cancelled, Done, Executor, Lost, Outcome, Ticket
from exporter.execution.isolation import Trouble
from tests.exporter.execution import trials

PATIENCE_S = 60
"""For what comes at once where machines are not busy."""


class Written:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @contextmanager
    def stage(self, text: str) -> Iterator[Advance]:
        """With its begin and its end."""
        self.told.append(f"+{text}")
        yield lambda done, total: self.told.append(f"{done} of {total}")
        self.told.append(f"-{text}")

    def note(self, text: str) -> None:
        """As it is."""
        self.told.append(text)


def all_of(executor: Executor) -> dict[Ticket, Outcome]:
    """What becomes of everything that was submitted."""
    ended: list[tuple[Ticket, Outcome]] = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and (more := executor.finished(PATIENCE_S)):
        ended += more
    found = dict(ended)
    assert len(found) == len(ended), "something ended twice"
    return found


def value_of(outcome: Outcome) -> object:
    """What work gave that is done."""
    assert isinstance(outcome, Done), outcome
    return outcome.value


def process_in(folder: Path) -> int:
    """The process that `trials.sleeps`, once it is there."""
    return processes_in(folder, 1)[0]


def processes_in(folder: Path, count: int) -> list[int]:
    """So many of them, once they are there."""
    deadline = time.monotonic() + PATIENCE_S
    while len(found := list(folder.iterdir())) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} processes are there"
        time.sleep(0.02)
    return [int(path.stem) for path in found]


def until_true(condition: Callable[[], bool]) -> None:
    """Wait for what comes soon."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


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
        time.sleep(0.02)
    return False


class ExecutorContract:
    """Runs against every executor of the table."""

    def test_many_more_pieces_of_work_than_slots(self, executor: Executor) -> None:
        """Every one is told once, with its own result, in whatever order."""
        tickets = {executor.submit(trials.square, number, label="square"): number for number in range(9)}
        found = all_of(executor)
        assert {ticket: value_of(outcome) for ticket, outcome in found.items()} == {
            ticket: number * number for ticket, number in tickets.items()
        }
        assert executor.finished() == [], "nothing is left to wait for"

    def test_errors_are_sentences_and_cost_nothing_else(self, executor: Executor) -> None:
        """Protects a search from one recipe's trouble, with the exit codes of every command."""
        refused = executor.submit(trials.refuses, label="")
        wrong = executor.submit(trials.is_wrong, label="")
        left = executor.submit(trials.leaves, label="")
        whole = executor.submit(trials.square, 3, label="")
        found = all_of(executor)
        assert found[refused] == Trouble("the budget is too small.", 2)
        assert found[wrong] == Trouble("ValueError: no more\nThis is a fault in mobile-export; --debug shows where.", 3)
        assert found[left] == Trouble("a library ended the program (SystemExit: 1).", 3)
        assert value_of(found[whole]) == 9

    def test_a_big_result_comes_whole(self, executor: Executor) -> None:
        """A result is files of a few megabytes, and may be more."""
        ticket = executor.submit(trials.zeros, 30_000_000, label="")
        assert value_of(all_of(executor)[ticket]) == bytes(30_000_000)

    def test_a_result_that_cannot_be_passed_on_is_trouble(self, executor: Executor) -> None:
        """Also where it would not have to leave this process, so that every executor takes the same work."""
        ticket = executor.submit(trials.a_function, label="")
        outcome = all_of(executor)[ticket]
        assert isinstance(outcome, Trouble)
        assert "pickle" in outcome.sentence

    def test_work_that_cannot_be_passed_on_is_refused_when_submitted(self, executor: Executor) -> None:
        """As above."""
        with pytest.raises(Exception, match="pickle"):
            executor.submit(lambda progress: 0, label="")
        assert all_of(executor) == {}

    def test_progress_comes_through(self, executor: Executor, progress: Written) -> None:
        """All of it, in its order, before the work is told to be done."""
        executor.submit(trials.square, 5, label="")
        all_of(executor)
        assert progress.told == ["+squaring 5", "1 of 2", "-squaring 5", "5 is done"]

    def test_time_is_measured(self, executor: Executor, tmp_path: Path) -> None:
        """Where the work is done, without waiting for its turn."""
        ticket = executor.submit(trials.sleeps, tmp_path, 0.2, label="")
        outcome = all_of(executor)[ticket]
        assert isinstance(outcome, Done)
        assert outcome.duration_s >= 0.2

    def test_what_was_cancelled_before_its_turn_never_begins(self, executor: Executor, tmp_path: Path) -> None:
        """It is told once, as such; and cancelling again, or what is done, changes nothing."""
        before = [executor.submit(trials.square, number, label="") for number in range(2)]
        ticket = executor.submit(trials.sleeps, tmp_path, 600, label="")
        executor.cancel(ticket)
        executor.cancel(ticket)
        found = all_of(executor)
        assert found.pop(ticket) == Cancelled()
        assert sorted(map(str, map(value_of, found.values()))) == ["0", "1"]
        executor.cancel(before[0])
        assert executor.finished() == []
        assert not list(tmp_path.iterdir())

    def test_closing_again_is_no_error(self, executor: Executor) -> None:
        """Protects `finally` after an error of closing."""
        executor.close()
        executor.close()


class IsolatedContract(ExecutorContract):
    """Runs against every executor whose work has processes of its own."""

    def test_who_waits_can_do_something_else_meanwhile(self, executor: Executor, tmp_path: Path) -> None:
        """Protects a search that asks now and then."""
        ticket = executor.submit(trials.sleeps, tmp_path, 0.5, label="")
        assert executor.finished(0) == []
        assert list(all_of(executor)) == [ticket]

    @pytest.mark.parametrize(
        ("work", "arguments", "reason"),
        [(trials.aborts, (), r"Aborted"), (trials.exits, (7,), r"exit code 7"), (trials.exits, (0,), r"exit code 0")],
    )
    def test_a_crash_loses_what_was_at_work_and_nothing_else(
        self, executor: Executor, work: object, arguments: tuple[int, ...], reason: str
    ) -> None:
        """Whatever it says of itself as it ends, and it can be submitted again."""
        crashed = executor.submit(work, *arguments, label="")  # type: ignore[arg-type]
        others = [executor.submit(trials.square, number, label="") for number in range(3)]
        found = all_of(executor)
        lost = found[crashed]
        assert isinstance(lost, Lost)
        assert reason in lost.reason
        assert [value_of(found[ticket]) for ticket in others] == [0, 1, 4]

    def test_work_that_somebody_kills_is_lost(self, executor: Executor, tmp_path: Path) -> None:
        """As the system does when memory runs out."""
        ticket = executor.submit(trials.sleeps, tmp_path, 600, label="")
        os.kill(process_in(tmp_path), signal.SIGKILL)
        lost = all_of(executor)[ticket]
        assert isinstance(lost, Lost)
        assert "Killed" in lost.reason

    def test_cancelling_ends_the_process(self, executor: Executor, tmp_path: Path) -> None:
        """Protects the cores that others wait for."""
        ticket = executor.submit(trials.sleeps, tmp_path, 600, label="")
        pid = process_in(tmp_path)
        executor.cancel(ticket)
        after = executor.submit(trials.square, 2, label="")
        assert ends(pid)
        found = all_of(executor)
        assert found[ticket] == Cancelled()
        assert value_of(found[after]) == 4

    def test_who_is_interrupted_ends_the_processes(self, executor: Executor, tmp_path: Path) -> None:
        """Protects a machine from work that nobody waits for."""

        def interrupted() -> None:
            with closing(executor):
                executor.submit(trials.sleeps, tmp_path, 600, label="")
                process_in(tmp_path)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert ends(process_in(tmp_path))

    def test_no_more_runs_at_once_than_there_are_slots(self, executor: Executor, tmp_path: Path) -> None:
        """By the times that each writes down."""
        for _ in range(5):
            executor.submit(trials.sleeps, tmp_path, 0.3, label="")
        assert len(all_of(executor)) == 5
        times = [tuple(map(float, path.read_text().split())) for path in tmp_path.glob("*.over")]
        most = max(sum(begun <= at < over for begun, over in times) for at, _ in times)
        assert 1 <= most <= executor.slots == 2

    def test_memory_is_measured(self, executor: Executor) -> None:
        """The peak, though it is given back by then."""
        ticket = executor.submit(trials.fills, 200_000_000, label="")
        outcome = all_of(executor)[ticket]
        assert isinstance(outcome, Done)
        assert outcome.peak_memory_bytes is not None
        assert 200_000_000 < outcome.peak_memory_bytes < 200_000_000 + 4_000_000_000
