"""Work in processes beside this one: for libraries that keep to one core."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.data.progress import Progress
from exporter.execution.child import Child, Task, Teller, signal_of
from exporter.execution.threads import cores

_POLL_S = 0.05


@dataclass(frozen=True)
class Given:
    """What a task gave.

    Attributes:
        results: in order.
        ended_by: the signal that ended the process while it was at the next one; None where it ended by itself.
    """

    results: tuple[Any, ...]
    ended_by: str | None = None


@contextmanager
def beside(tasks: list[Task], progress: Progress, *, fork: bool) -> Iterator[Callable[[], list[Given]]]:
    """Carry out `tasks` in processes, all at once, while the caller does something else.

    What is given waits for what the tasks give, in their order. Who leaves before, as with Ctrl-C, ends the processes;
    they end too when this process is killed.

    Args:
        fork: in copies of this process (`can_fork`), in which a task need not be pickled.
    """
    with ExitStack() as processes, tempfile.TemporaryDirectory() as folder:
        started: list[Child] = []
        for place, task in enumerate(tasks):
            own = Path(folder) / str(place)
            own.mkdir()
            started.append(Child(task, own, fork=fork, cores=max(1, cores() // len(tasks))))
            processes.callback(started[-1].close)
        left = threading.Event()
        with ThreadPoolExecutor(max(1, len(tasks))) as pool:
            waiting = [pool.submit(_watched, child, progress, left) for child in started]
            try:
                yield lambda: [one.result() for one in waiting]
            finally:
                left.set()


def _watched(child: Child, progress: Progress, left: threading.Event) -> Given:
    """What it gave, when it has ended or nobody waits for it; meanwhile what it tells is told."""
    with closing(Teller(progress)) as teller:
        while (code := child.poll()) is None and not left.is_set():
            teller.tell(child.events())
            time.sleep(_POLL_S)
        teller.tell(child.events())
    return Given(child.results(), signal_of(code))
