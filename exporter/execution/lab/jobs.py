"""Jobs of one device, on its host: each in a process of its own, begun once, and kept when it is done.

Whoever asks for a job by its name again, because the network or the scheduler was lost meanwhile, gets the one that
runs or what it gave. A job whose process is gone without having given anything is lost; it is never done again.
"""

import os
import pickle
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import psutil

from exporter.data.errors import first_line
from exporter.execution.child import Child, Event, Task
from exporter.execution.executors.report import reports
from exporter.execution.threads import cores

POLL_S = 0.05
_LOOK_S = 0.5
KEPT_S = 14 * 24 * 3600.0
"""How long a host keeps what jobs gave."""


class Wish(Enum):
    """Whether somebody waits for a job."""

    WANTED = "wanted"
    CALLED_OFF = "called off"
    UNKNOWN = "unknown"  # the connection is lost: the job goes on


@dataclass(frozen=True)
class SentJob:
    """A job as a host is given it.

    Attributes:
        id: no other job has it, and every sending of this one.
        content: a function of a module and its arguments, pickled.
        topic: of the events by which it tells how it goes.
    """

    id: str
    content: bytes
    topic: str = ""


@dataclass(frozen=True)
class HostLoad:
    """What a host did beside a job; see `LabPlace`."""

    cpu_share: float
    beside: int


@dataclass(frozen=True)
class Answer:
    """What became of a job.

    Attributes:
        results: at most one `Report`.
        code: of the process's return.
        load: of the host meanwhile; None where the job was not done.
        lost: why it was not done, or not to its end, as a clause; None where the process says so itself.
        refused: whether it was not begun, so that another device may have it.
    """

    results: tuple[Any, ...] = ()
    code: int = 0
    load: HostLoad | None = None
    lost: str | None = None
    refused: bool = False


class Jobs:
    """Those of one device, one after the other.

    Args:
        folder: the host's, which its devices share.
        may_begin: why no job can begin now, as a clause; None where one can.
    """

    def __init__(self, folder: Path, may_begin: Callable[[], str | None] = lambda: None) -> None:
        self._folder, self._may_begin = folder, may_begin
        self._lock = threading.Lock()
        self._running: _Running | None = None
        (folder / "jobs").mkdir(parents=True, exist_ok=True)
        (folder / "running").mkdir(exist_ok=True)

    @property
    def current(self) -> str | None:
        """The job that it is at."""
        running = self._running
        return None if running is None or running.answer is not None else running.id

    def carried_out(
        self, sent: SentJob, wish: Callable[[], Wish], tell: Callable[[list[Event]], None]
    ) -> Answer | None:
        """What becomes of a job; waits for its turn and its end, or until nobody is known to wait for it: None."""
        while True:
            with self._lock:
                found = self._found(sent)
            if isinstance(found, Answer):
                return found
            if found is not None:
                return found.followed(wish, tell)
            if wish() is not Wish.WANTED:
                return None
            time.sleep(POLL_S)

    def close(self) -> None:
        """End what runs."""
        if self._running is not None:
            self._running.end()

    def _found(self, sent: SentJob) -> "Answer | _Running | None":
        """The job as it runs now, begun where it was not; its answer; None while another one runs."""
        folder, running = self._folder / "jobs" / sent.id, self._running
        if running is not None and running.id == sent.id:
            return running
        if folder.exists():
            return kept_answer(folder) or Answer(lost="its process was ended on the host while it measured")
        if running is not None and running.answer is None:
            return None
        reason = self._may_begin()
        if reason is not None:
            return Answer(lost=reason, refused=True)
        self._running = _Running(sent, folder, self._folder / "running" / sent.id)
        return self._running


class _Running:
    """One job; watched to its end by a thread of its own, whoever waits for it."""

    answer: Answer | None = None

    def __init__(self, sent: SentJob, folder: Path, mark: Path) -> None:
        self.id, self._folder, self._mark = sent.id, folder, mark
        folder.mkdir()
        mark.write_text(str(os.getpid()))
        self._child = Child(Task(reports, (sent.content,)), folder, fork=False, cores=cores())
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def followed(self, wish: Callable[[], Wish], tell: Callable[[list[Event]], None]) -> Answer | None:
        while not self._over.wait(POLL_S):
            wanted = wish()
            if wanted is Wish.CALLED_OFF:
                self.end()
            if wanted is not Wish.WANTED:
                return None
            if events := self._child.events():
                tell(events)
        if events := self._child.events():
            tell(events)
        return self.answer

    def end(self) -> None:
        self._child.close()

    def _watch(self) -> None:
        before, most = psutil.cpu_times(), 0
        looked = 0.0
        while (code := self._child.poll()) is None:
            if time.monotonic() - looked >= _LOOK_S:
                looked, most = time.monotonic(), max(most, running_beside(self._mark))
            time.sleep(POLL_S)
        load = HostLoad(_busy_share(before, psutil.cpu_times()), max(most, running_beside(self._mark)))
        try:
            results = self._child.results()
        except Exception as error:  # noqa: BLE001 - a damaged file may raise anything, and somebody waits for an answer
            self._keep(Answer(code=code, load=load, lost=f"its result cannot be read on the host: {first_line(error)}"))
        else:
            self._keep(Answer(results, code, load))

    def _keep(self, answer: Answer) -> None:
        self._child.close()
        try:
            unfinished = self._folder / "answer.unfinished"
            unfinished.write_bytes(pickle.dumps(answer))
            unfinished.rename(self._folder / "answer")
        finally:  # a full disk loses no reading while somebody waits for it
            self._mark.unlink(missing_ok=True)
            self.answer = answer
            self._over.set()


def kept_answer(folder: Path) -> Answer | None:
    """What the job of this folder gave, when it has ended."""
    path = folder / "answer"
    if not path.exists():
        return None
    answer: Answer = pickle.loads(path.read_bytes())  # noqa: S301 - this host's own
    return answer


def running_beside(mark: Path) -> int:
    """How many other jobs run on this host now, of those that its processes have marked."""
    return sum(other != mark and _lives(other) for other in mark.parent.iterdir())


def tidy(folder: Path) -> None:
    """Remove what jobs gave long ago."""
    for path in (folder / "jobs").glob("*"):
        if time.time() - path.stat().st_mtime > KEPT_S:
            shutil.rmtree(path, ignore_errors=True)


def _lives(mark: Path) -> bool:
    try:
        return psutil.pid_exists(int(mark.read_text()))
    except (OSError, ValueError):
        return False


def _busy_share(before: Any, after: Any) -> float:
    """Of all processors, between two times of them."""
    spent = {name: getattr(after, name) - getattr(before, name) for name in after._fields}
    whole = sum(spent.values()) - spent.get("guest", 0.0) - spent.get("guest_nice", 0.0)
    idle = spent["idle"] + spent.get("iowait", 0.0)
    return min(1.0, max(0.0, 1.0 - idle / whole)) if whole > 0 else 0.0
