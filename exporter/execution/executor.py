"""Executors: pieces of work carried out apart from one another, several at once, and what becomes of each.

Where they run is a `Place`: one module each, whose row is in the table below.
"""

import pickle
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import Any, Protocol

from device_harness.errors import DeviceError
from exporter.data.errors import UsageProblem, code_of, sentence_of
from exporter.data.progress import Progress
from exporter.execution.interrupts import interrupted
from exporter.execution.isolation import Trouble

_MODULES = {
    "inline": "exporter.execution.executors.inline",
    "processes": "exporter.execution.executors.processes",
    "dask": "exporter.execution.executors.cluster",
}
_POLL_S = 0.02


@dataclass(frozen=True)
class Done:
    """Work that gave its result.

    Attributes:
        value: what it gave.
        duration_s: how long it took where it ran, without waiting for its turn.
        peak_memory_bytes: the most that its process held, shared pages included; None where none was its own.
        where: it ran: empty on this machine, else as the place calls it.
    """

    value: Any
    duration_s: float
    peak_memory_bytes: int | None = None
    where: str = ""


@dataclass(frozen=True)
class Lost:
    """Work whose process ended under it, by a signal or with its machine; the same may succeed when submitted again.

    Attributes:
        reason: for the user, in a sentence.
    """

    reason: str


@dataclass(frozen=True)
class Cancelled:
    """Work that was called off."""


Outcome = Done | Trouble | Lost | Cancelled
"""`Trouble` is what the work raised, in a sentence."""


@dataclass(frozen=True)
class Ticket:
    """Stands for a piece of work that was submitted.

    Attributes:
        number: no other ticket of the executor has it.
        label: work of the same label needs about as much memory.
    """

    number: int
    label: str


@dataclass(frozen=True)
class Job:
    """A piece of work as a place is given it.

    Attributes:
        content: a function of a module and its arguments, pickled.
        need_bytes: of memory, as far as that is known.
    """

    content: bytes
    need_bytes: int | None


class Running(Protocol):
    """A piece of work that was started."""

    def look(self) -> Outcome | None:
        """What became of it, or None while it is at work; passes on what it tells of its progress.

        Raises:
            UsageProblem: nothing of this place can be had any more.
        """

    def end(self) -> None:
        """End it where it is still at work, and let go of what it holds."""


class Place(Protocol):
    """Where work runs. What it starts ends with this process, however that comes."""

    @property
    def slots(self) -> int:
        """How many pieces of work run at once, as things stand."""

    def has_room(self, need_bytes: int | None) -> bool:
        """Whether another one can be started now; always for any need where nothing of this place runs.

        Raises:
            UsageProblem: nothing of this place can be had any more.
        """

    def start(self, job: Job) -> Running:
        """Start one."""

    def close(self) -> None:
        """Let go of the place; everything that ran there was ended."""


class PlaceModule(Protocol):
    """A module of the table."""

    def open_place(self, options: "PlaceOptions", progress: Progress) -> Place:
        """The place.

        Raises:
            UsageProblem: it cannot be had.
        """


@dataclass(frozen=True)
class PlaceOptions:
    """What a user says of a place.

    Attributes:
        at_once: how many pieces of work run at once on this machine; None takes one a core.
        scheduler: the address of a cluster's, which `dask` alone needs.
    """

    at_once: int | None = None
    scheduler: str | None = None


class Executor:
    """Carries out work at a place; nothing happens but inside its methods, so that they are called from one thread.

    Everything is ended by `close`, for which there is `contextlib.closing`.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._numbers = count()
        self._needs: dict[str, int] = {}
        self._waiting: deque[tuple[Ticket, bytes, int | None]] = deque()
        self._running: dict[Ticket, Running] = {}
        self._ended: list[tuple[Ticket, Outcome]] = []

    @property
    def slots(self) -> int:
        """How many pieces of work run at once, as things stand."""
        return self._place.slots

    def submit(
        self, work: Callable[..., object], *arguments: object, label: str, memory_bytes: int | None = None
    ) -> Ticket:
        """Have `work` carried out when its turn comes, in the order of submissions.

        Args:
            work: a function of a module; called with the arguments and a `Progress`, it gives what can be pickled.
            arguments: they can be pickled.
            label: what it needs is known by others of its label.
            memory_bytes: what it needs, where no other of its label has been measured.

        Raises:
            UsageProblem: nothing of the place can be had any more.
        """
        ticket = Ticket(next(self._numbers), label)
        self._waiting.append((ticket, pickle.dumps((work, arguments)), memory_bytes))
        self._start_what_fits()
        return ticket

    def finished(self, timeout_s: float | None = None) -> list[tuple[Ticket, Outcome]]:
        """What has ended since the last call, in any order; waits until there is some.

        Args:
            timeout_s: wait no longer.

        Returns:
            Nothing where nothing was submitted that is not told of, and at the end of `timeout_s`.

        Raises:
            UsageProblem: nothing of the place can be had any more.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if interrupted():  # whatever a library, or a callback whose errors Python ignores, made of it
                raise KeyboardInterrupt
            try:
                self._look()
            except UsageProblem:
                if not self._ended:  # what was found until then is told before
                    raise
            late = deadline is not None and time.monotonic() >= deadline
            if self._ended or late or not (self._waiting or self._running):
                ended, self._ended = self._ended, []
                return ended
            time.sleep(_POLL_S)

    def cancel(self, ticket: Ticket) -> None:
        """End it, whatever it is at; nothing happens where it has ended."""
        waiting = [entry for entry in self._waiting if entry[0] == ticket]
        running = self._running.pop(ticket, None)
        if running is not None:
            running.end()
        if waiting:
            self._waiting.remove(waiting[0])
        if waiting or running is not None:
            self._ended.append((ticket, Cancelled()))

    def close(self) -> None:
        """End everything; no error when closed already."""
        self._waiting.clear()
        while self._running:
            self._running.popitem()[1].end()
        self._place.close()

    def _look(self) -> None:
        for ticket, running in list(self._running.items()):
            outcome = running.look()
            if outcome is not None:
                self._over(ticket, outcome)
        self._start_what_fits()

    def _over(self, ticket: Ticket, outcome: Outcome) -> None:
        self._running.pop(ticket).end()
        self._ended.append((ticket, outcome))
        if isinstance(outcome, Done) and outcome.peak_memory_bytes is not None:
            self._needs[ticket.label] = max(outcome.peak_memory_bytes, self._needs.get(ticket.label, 0))

    def _start_what_fits(self) -> None:
        """Nothing overtakes what does not fit, so that its turn comes."""
        while self._waiting and len(self._running) < self._place.slots:
            ticket, content, given = self._waiting[0]
            need = self._needs.get(ticket.label, given)
            if not self._place.has_room(need):
                return
            self._waiting.popleft()
            self._start(ticket, Job(content, need))

    def _start(self, ticket: Ticket, job: Job) -> None:
        try:
            self._running[ticket] = self._place.start(job)
        except (OSError, DeviceError) as error:  # no process can be started here now
            self._ended.append((ticket, Trouble(sentence_of(error), code_of(error))))


def names() -> tuple[str, ...]:
    """Of all executors, in order."""
    return tuple(_MODULES)


def executor_named(name: str, progress: Progress, options: PlaceOptions | None = None) -> Executor:
    """The executor called `name`, which is one of `names`.

    Args:
        name: a row of the table.
        progress: is told what the work tells of itself.
        options: what the user said of it.

    Raises:
        UsageProblem: its place cannot be had.
    """
    module: PlaceModule = import_module(_MODULES[name])
    return Executor(module.open_place(options or PlaceOptions(), progress))
