"""A process that carries out a task beside this one, and what it tells meanwhile."""

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_harness.process import Process
from exporter.data.progress import Advance, Progress
from exporter.execution.forked import Forked
from exporter.execution.threads import environment_for
from exporter.execution.worker import carry_out

Event = dict[str, Any]
"""As `WrittenProgress` writes it."""


@dataclass(frozen=True)
class Task:
    """What a process is to do.

    Attributes:
        work: a function of a module; called with the arguments and a `Progress`, it gives results one by one.
        arguments: they can be pickled, but where processes are forked; the results always can.
    """

    work: Callable[..., Iterator[Any]]
    arguments: tuple[Any, ...]


class Child:
    """A process in a group of its own, which ends when this one does; it tells of its task in files of a folder.

    Args:
        task: what it does.
        folder: is there, and empty.
        fork: be a copy of this process (`can_fork`).
        cores: how many it keeps to.
    """

    def __init__(self, task: Task, folder: Path, *, fork: bool, cores: int) -> None:
        self._folder = folder
        (folder / "progress").touch()
        self._read = 0
        self._process = _forked(task, folder, cores) if fork else _started(task, folder, cores)
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The return code when it has ended, minus the signal where one ended it; else None."""
        return self._process.poll()

    def events(self) -> list[Event]:
        """What it told since the last call."""
        with (self._folder / "progress").open("rb") as stream:
            stream.seek(self._read)
            told = stream.read()
        whole = told[: told.rfind(b"\n") + 1]
        self._read += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def results(self) -> tuple[Any, ...]:
        """Those that it has given until now, in order."""
        paths = sorted(self._folder.glob("*.result"))
        return tuple(pickle.loads(path.read_bytes()) for path in paths)  # noqa: S301 - our own

    def close(self) -> None:
        """End it where it still runs."""
        self._process.close()


def signal_of(code: int | None) -> str | None:
    """What ended a process of this return code, such as "Killed"; None where no signal did."""
    return signal.strsignal(-code) or f"signal {-code}" if code is not None and code < 0 else None


def _forked(task: Task, folder: Path, cores: int) -> Forked:
    return Forked(lambda: carry_out(task.work, task.arguments, folder), cores)


def _started(task: Task, folder: Path, cores: int) -> Process:
    """It finds the modules that this process finds, and ends with it, for its standard input then ends."""
    (folder / "task").write_bytes(pickle.dumps((task.work, task.arguments)))
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), **environment_for(cores)}
    return Process(
        [sys.executable, "-P", "-m", "exporter.execution.worker", str(folder)], hold_stdin=True, env=environment
    )


class Teller:
    """Says in this process what another one does; stages are not nested."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._stages = progress, ExitStack()
        self._advance: Advance = lambda done, total: None

    def tell(self, events: list[Event]) -> None:
        """Pass on what `WrittenProgress` wrote."""
        for event in events:
            if "stage" in event:
                self._advance = self._stages.enter_context(self._progress.stage(event["stage"]))
            elif "note" in event:
                self._progress.note(event["note"])
            elif "total" in event:
                self._advance(event["done"], event["total"])
            else:
                self.close()

    def close(self) -> None:
        """Leave the stage that it is in."""
        self._stages.close()
