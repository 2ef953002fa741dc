"""The same work on many items, on every core, in threads: for libraries that let go of Python's lock."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

MOST_THREADS = 8
"""Each holds the values of a batch."""

_AHEAD = 2
"""Results that wait for each thread: enough that none idles, and few to hold in memory."""

Item = TypeVar("Item")
Value = TypeVar("Value")


def cores() -> int:
    """How many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


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
