"""Work in processes beside this one: for libraries that keep to one core."""

import json
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_harness.process import Process
from exporter.data.progress import Advance, Progress
from exporter.execution.forked import Forked
from exporter.execution.threads import cores
from exporter.execution.worker import carry_out

_POLL_S = 0.05


@dataclass(frozen=True)
class Task:
    """What a process is to do.

    Attributes:
        work: a function of a module; called with the arguments and a `Progress`, it gives results one by one.
        arguments: they can be pickled, but where processes are forked; the results always can.
    """

    work: Callable[..., Iterator[Any]]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        results: those that were given.
        ended_by: the signal that ended the process while it was at the next one; None where it ended by itself.
    """

    results: tuple[Any, ...]
    ended_by: str | None = None


@contextmanager
def beside(tasks: list[Task], progress: Progress, *, fork: bool) -> Iterator[Callable[[], list[Outcome]]]:
    """Carry out `tasks` in processes, all at once, while the caller does something else.

    What is given waits for the outcomes, in the tasks' order. Who leaves before, as with Ctrl-C, ends the processes;
    they end too when this process is killed.

    Args:
        fork: in copies of this process (`can_fork`), in which a task need not be pickled.
    """
    with ExitStack() as processes, tempfile.TemporaryDirectory() as folder:
        started: list[tuple[Process | Forked, Path]] = []
        for place, task in enumerate(tasks):
            own = Path(folder) / str(place)
            own.mkdir()
            process = _forked(task, own) if fork else _started(task, own, max(1, cores() // len(tasks)))
            processes.callback(process.close)
            started.append((process, own))
        left = threading.Event()
        with ThreadPoolExecutor(max(1, len(tasks))) as pool:
            waiting = [pool.submit(_watched, process, own, progress, left) for process, own in started]
            try:
                yield lambda: [one.result() for one in waiting]
            finally:
                left.set()


def _forked(task: Task, folder: Path) -> Forked:
    return Forked(lambda: carry_out(task.work, task.arguments, folder))


def _started(task: Task, folder: Path, threads: int) -> Process:
    """It finds the modules that this process finds, and ends with it, for its standard input then ends."""
    (folder / "task").write_bytes(pickle.dumps((task.work, task.arguments)))
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": str(threads)}
    return Process(
        [sys.executable, "-P", "-m", "exporter.execution.worker", str(folder)], hold_stdin=True, env=environment
    )


def _watched(process: Process | Forked, folder: Path, progress: Progress, left: threading.Event) -> Outcome:
    """The outcome, when it has ended or nobody waits for it; meanwhile what it tells is told."""
    with ExitStack() as stages, _lines(folder / "progress") as lines:
        teller = _Teller(progress, stages)
        while (code := process.poll()) is None and not left.is_set():
            teller.tell(lines())
            time.sleep(_POLL_S)
        teller.tell(lines())
    results = sorted(folder.glob("*.result"))
    ended_by = signal.strsignal(-code) or f"signal {-code}" if code is not None and code < 0 else None
    return Outcome(tuple(pickle.loads(path.read_bytes()) for path in results), ended_by)  # noqa: S301 - our own


@contextmanager
def _lines(path: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Gives the whole lines that were added since the last call."""
    path.touch()
    with path.open(encoding="utf-8") as stream:
        rest = ""

        def more() -> list[dict[str, Any]]:
            nonlocal rest
            *whole, rest = (rest + stream.read()).split("\n")
            return [json.loads(line) for line in whole]

        yield more


class _Teller:
    """Says in this process what another one does; stages are not nested."""

    def __init__(self, progress: Progress, stages: ExitStack) -> None:
        self._progress, self._stages = progress, stages
        self._advance: Advance = lambda done, total: None

    def tell(self, events: list[dict[str, Any]]) -> None:
        """Pass on what `WrittenProgress` wrote."""
        for event in events:
            if "stage" in event:
                self._advance = self._stages.enter_context(self._progress.stage(event["stage"]))
            elif "note" in event:
                self._progress.note(event["note"])
            elif "total" in event:
                self._advance(event["done"], event["total"])
            else:
                self._stages.close()
