"""This process itself, one piece of work after the other: a crash is this program's, and a debugger sees everything."""

import pickle
import time
from functools import partial
from typing import Any

from exporter.data.progress import Progress
from exporter.execution.executor import Done, Job, Outcome, PlaceOptions
from exporter.execution.isolation import Trouble, attempt


class Inline:
    """Implements `Place`; a piece of work is carried out when somebody waits for it."""

    slots = 1

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def has_room(self, need_bytes: int | None) -> bool:
        """Always."""
        return True

    def start(self, job: Job) -> "_Waiting":
        """It waits to be looked at."""
        return _Waiting(job, self._progress)

    def close(self) -> None:
        """Nothing is held."""


class _Waiting:
    def __init__(self, job: Job, progress: Progress) -> None:
        self._job, self._progress = job, progress

    def look(self) -> Outcome:
        started = time.monotonic()
        value = attempt(partial(_carried_out, self._job, self._progress))
        return value if isinstance(value, Trouble) else Done(value, time.monotonic() - started)

    def end(self) -> None:
        pass


def _carried_out(job: Job, progress: Progress) -> Any:
    """As a process would: on copies of the arguments, and gives a copy."""
    work, arguments = pickle.loads(job.content)  # noqa: S301 - the submitter's own
    return pickle.loads(pickle.dumps(work(*arguments, progress)))  # noqa: S301 - our own


def open_place(options: PlaceOptions, progress: Progress) -> Inline:
    """This process."""
    return Inline(progress)
