"""What a process reports of the work that it was given, and what that means."""

import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from exporter.data.progress import Progress
from exporter.execution.child import Task, signal_of
from exporter.execution.executor import Done, Job, Lost, Outcome
from exporter.execution.isolation import Trouble, attempt
from exporter.execution.memory import peak_bytes


@dataclass(frozen=True)
class Report:
    """Of work that came to an end in its process.

    Attributes:
        content: what it gave, pickled; or why it gave nothing.
        duration_s: how long it took.
        peak_memory_bytes: the most that the process held.
    """

    content: bytes | Trouble
    duration_s: float
    peak_memory_bytes: int


def task_of(job: Job) -> Task:
    """What a process is to do: it gives one `Report`."""
    return Task(reports, (job.content,))


def reports(content: bytes, progress: Progress) -> Iterator[Report]:
    """Carry out the work of a job's `content`."""
    started = time.monotonic()
    given = attempt(partial(_given, content, progress))
    yield Report(given, time.monotonic() - started, peak_bytes())


def _given(content: bytes, progress: Progress) -> bytes:
    work, arguments = pickle.loads(content)  # noqa: S301 - the submitter's own
    return pickle.dumps(work(*arguments, progress))


def outcome_of(results: tuple[Any, ...], code: int, where: str = "") -> Outcome:
    """What became of work whose process has ended.

    Args:
        results: at most one `Report`.
        code: of its return.
        where: it ran.
    """
    if not results:
        return Lost(f"the process that it ran in {_end_of(code)}")
    report: Report = results[0]
    if isinstance(report.content, Trouble):
        return report.content
    value = attempt(partial(pickle.loads, report.content))
    return value if isinstance(value, Trouble) else Done(value, report.duration_s, report.peak_memory_bytes, where)


def _end_of(code: int) -> str:
    ended_by = signal_of(code)
    if ended_by is None:
        return f"ended without a result (exit code {code}); a library ended it."
    return f"was ended by the system ({ended_by}); a library crashed, memory ran out, or somebody killed it."
