"""In a process of a lab: what its device is at, the work that Dask gives it, and what it tells with every heartbeat."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from exporter.execution.child import Event
from exporter.execution.lab.files import state_folder
from exporter.execution.lab.jobs import Answer, Jobs, SentJob, Wish, kept_answer

AT_WORK = ("running", "paused")


@dataclass
class Here:
    """What the functions below, which Dask calls, know of the process that they are in."""

    jobs: Jobs | None = None


HERE = Here()


def carry_out(sent: SentJob) -> Answer | None:
    """Have the device carry out a job, in a thread of the worker that only watches; None where nobody waits for it."""
    from distributed import get_worker

    worker = get_worker()
    key = str(worker.get_current_task())
    if HERE.jobs is None:
        return Answer(lost="this process has no device", refused=True)
    tell = _teller(worker, sent)
    return HERE.jobs.carried_out(sent, partial(wish_for, worker, key), tell)


def wish_for(worker: Any, key: str) -> Wish:
    """Whether somebody waits for a task, which Dask does not end.

    The task is looked at before the worker: one that closes lets go of its tasks afterwards.
    """
    task = worker.state.tasks.get(key)
    if worker.status.name not in AT_WORK:
        return Wish.UNKNOWN
    return Wish.WANTED if task is not None and task.state in ("executing", "long-running") else Wish.CALLED_OFF


def answers_of(ids: tuple[str, ...]) -> dict[str, Answer | None]:
    """Of the jobs that this host knows: what each gave, or None while it is at work."""
    folders = {job: state_folder() / "jobs" / job for job in ids if _is_name(job)}
    return {job: kept_answer(folder) for job, folder in folders.items() if folder.exists()}


def _is_name(job: str) -> bool:
    """Whether it names a job, and nothing elsewhere."""
    return Path(job).name == job and job.isalnum()


def _teller(worker: Any, sent: SentJob) -> Callable[[list[Event]], None]:
    return lambda events: worker.log_event(sent.topic, {"job": sent.id, "told": events})
