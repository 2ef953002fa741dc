"""Processes of this machine, one for each piece of work, which can be killed without harm to any other."""

import shutil
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.progress import Progress
from exporter.execution.child import Child, Teller
from exporter.execution.executor import Job, Outcome, PlaceOptions
from exporter.execution.executors.report import outcome_of, task_of
from exporter.execution.forked import can_fork
from exporter.execution.memory import Room, available_bytes
from exporter.execution.threads import cores


class Processes:
    """Implements `Place`: copies of this process where that can be, in which nothing is imported anew.

    Args:
        progress: is told what the work tells.
        slots: how many run at once; they share the cores.
        available: how many bytes of memory are left.
        fork: whether a copy of this process works as this one does.
    """

    def __init__(
        self,
        progress: Progress,
        slots: int,
        available: Callable[[], int] = available_bytes,
        fork: Callable[[], bool] = can_fork,
    ) -> None:
        self.slots = slots
        self._progress = progress
        self._room = Room(available)
        self._fork = fork
        self._folder = tempfile.TemporaryDirectory()
        self._numbers = count()

    def has_room(self, need_bytes: int | None) -> bool:
        """Whether the memory is there, or nothing runs."""
        return self._room.has(need_bytes)

    def start(self, job: Job) -> "_Running":
        """In a process of its own, with its part of the cores."""
        folder = Path(self._folder.name) / str(next(self._numbers))
        folder.mkdir()
        child = Child(task_of(job), folder, fork=self._fork(), cores=max(1, cores() // self.slots))
        self._room.enter(child.pid, job.need_bytes)
        return _Running(child, folder, self._room, Teller(self._progress))

    def close(self) -> None:
        """Remove the files by which results pass."""
        self._folder.cleanup()


class _Running:
    def __init__(self, child: Child, folder: Path, room: Room, teller: Teller) -> None:
        self._child, self._folder, self._room, self._teller = child, folder, room, teller

    def look(self) -> Outcome | None:
        code = self._child.poll()
        self._teller.tell(self._child.events())
        return None if code is None else outcome_of(self._child.results(), code)

    def end(self) -> None:
        self._teller.close()
        self._child.close()
        self._room.leave(self._child.pid)
        shutil.rmtree(self._folder, ignore_errors=True)


def open_place(options: PlaceOptions, progress: Progress) -> Processes:
    """As many processes as there are cores, or as the user says.

    Raises:
        UsageProblem: the user says none.
    """
    if options.at_once is not None and options.at_once < 1:
        raise UsageProblem(f"{options.at_once} workers carry out nothing; give 1 or more.")
    return Processes(progress, options.at_once or cores())
