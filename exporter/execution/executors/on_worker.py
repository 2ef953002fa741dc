"""In a worker process of Dask: each piece of work in a process of its own, which ends when nobody waits for it."""

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.data.errors import ToolError
from exporter.data.progress import Progress
from exporter.execution.child import Child, Task
from exporter.execution.executor import Job
from exporter.execution.executors.report import Report, reports
from exporter.execution.isolation import Trouble
from exporter.execution.lab.files import VARIABLE as LAB
from exporter.execution.memory import Room
from exporter.execution.threads import cores
from exporter.store.code import program_facts
from exporter.store.shelf import VARIABLE

_POLL_S = 0.05
_AT_WORK = ("running", "paused", "closing_gracefully")
_ROOM = Room()
"""Of this worker; its threads share it."""


@dataclass(frozen=True)
class Sent:
    """What a worker is sent.

    Attributes:
        job: what it is to do.
        topic: of the events by which it tells how it goes.
        facts: of the submitter's program; one that differs gives other results.
        at_once: how many pieces of work a machine may have at once, by its host name.
        shared_cache: of the submitter; None leaves the worker its own.
    """

    job: Job
    topic: str
    facts: dict[str, str]
    at_once: dict[str, int]
    shared_cache: str | None


@dataclass(frozen=True)
class Answer:
    """What became of it.

    Attributes:
        results: at most one `Report`.
        code: of the process's return.
    """

    results: tuple[Any, ...]
    code: int


def facts() -> dict[str, str]:
    """Of the program that this worker has.

    Raises:
        ToolError: it is a lab's, where other work would disturb what is measured.
    """
    if LAB in os.environ:
        raise ToolError("it is of a lab, which measures on devices")
    return program_facts()


def host_of(address: str) -> str:
    """The host of a worker's address, such as ``10.0.0.1`` of ``tcp://10.0.0.1:4711``."""
    return address.rpartition("://")[2].rpartition(":")[0]


def carried_out(sent: Sent) -> Answer | None:
    """Carry out a piece of work, in a thread of the worker that only watches; None where nobody waits for it."""
    from distributed import get_worker

    worker = get_worker()
    key = str(worker.get_current_task())
    worker.log_event(sent.topic, {"key": key, "began": worker.address})
    while not _ROOM.has(sent.job.need_bytes):
        if not _wanted(worker, key):
            return None
        time.sleep(_POLL_S)
    part = max(1, cores() // sent.at_once.get(host_of(worker.address), 1))
    with tempfile.TemporaryDirectory() as folder:
        child = Child(Task(same_reports, (sent,)), Path(folder), fork=False, cores=part)
        _ROOM.enter(child.pid, sent.job.need_bytes)
        try:
            return _watched(worker, key, sent.topic, child)
        finally:
            child.close()
            _ROOM.leave(child.pid)


def _watched(worker: Any, key: str, topic: str, child: Child) -> Answer | None:
    while (code := child.poll()) is None:
        if not _wanted(worker, key):
            return None
        _tell(worker, key, topic, child)
        time.sleep(_POLL_S)
    _tell(worker, key, topic, child)
    return Answer(child.results(), code)


def _tell(worker: Any, key: str, topic: str, child: Child) -> None:
    if told := child.events():
        worker.log_event(topic, {"key": key, "told": told})


def _wanted(worker: Any, key: str) -> bool:
    """Whether somebody waits for a task, which Dask does not end.

    One that was cancelled, or whose client is gone, is marked; one whose scheduler is gone is on a worker that closes.
    """
    state = worker.state.tasks.get(key)
    return worker.status.name in _AT_WORK and state is not None and state.state in ("executing", "long-running")


def same_reports(sent: Sent, progress: Progress) -> Iterator[Report]:
    """Carry out the work, unless this program changed under a worker that runs."""
    if sent.shared_cache is not None:
        os.environ[VARIABLE] = sent.shared_cache
    if program_facts() == sent.facts:
        yield from reports(sent.job.content, progress)
    else:
        yield Report(
            Trouble("mobile-export was changed on a machine whose worker runs. Restart the worker.", 3), 0.0, 0
        )
