"""The same work on many items, on every core, in threads: for libraries that let go of Python's lock."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from exporter.data.errors import UsageProblem

MOST_THREADS = 8
"""Each holds the values of a batch."""

CORES = "MOBILE_EXPORT_CORES"
_LIBRARIES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)

_AHEAD = 2
"""Results that wait for each thread: enough that none idles, and few to hold in memory."""

Item = TypeVar("Item")
Value = TypeVar("Value")


def cores() -> int:
    """How many cores this process may use: those that the system gives it, at most ``MOBILE_EXPORT_CORES``.

    Raises:
        UsageProblem: that is no number of cores.
    """
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS
    given = os.environ.get(CORES)
    if given and not (given.isdecimal() and int(given)):
        raise UsageProblem(f"{CORES} is a number of cores, such as 4; not {given!r}.")
    there = len(allowed(0)) if allowed is not None else os.cpu_count() or 1
    return min(there, int(given)) if given else there


def environment_for(cores: int) -> dict[str, str]:
    """Variables by which a process and what it starts keep to so many cores; libraries read them when they load."""
    return dict.fromkeys((CORES, *_LIBRARIES), str(cores))


def keep_to(cores: int) -> None:
    """Have this process keep to so many cores, torch in this thread alone."""
    os.environ.update(environment_for(cores))
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(cores)


def threads() -> int:
    """How many items `in_order` has in work at once."""
    return min(cores(), MOST_THREADS)


def in_order(work: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Value]:
    """What `work` gives for each item, in the items' order; a few are worked on ahead of what was taken.

    Each thread has torch use one core, so that cores are not shared and sums do not depend on how many there are.

    Raises:
        Exception: what `work` raises, in its place in the order; later items may be done or not.
    """
    with _whole_torch_afterwards(), ThreadPoolExecutor(threads(), initializer=use_one_core) as pool:
        waiting: deque[Future[Value]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > _AHEAD * threads():
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Have torch use one core inside: where sums shall not depend on their number, and where others use them."""
    with _whole_torch_afterwards():
        use_one_core()
        yield


def use_one_core() -> None:
    """Have torch use one core from now on in this thread; its own threads are a setting of each that calls it."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@contextmanager
def _whole_torch_afterwards() -> Iterator[None]:
    """The last thread's setting would be that of every thread that begins later."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    try:
        yield
    finally:
        if torch:
            torch.set_num_threads(before)
