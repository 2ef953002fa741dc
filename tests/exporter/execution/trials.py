"""Pieces of work for executors; whoever imports them loads no heavy library."""

import os
import time
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.progress import Progress
from exporter.execution.threads import cores


def square(number: int, progress: Progress) -> int:
    """A result, and what is told of it."""
    with progress.stage(f"squaring {number}") as advance:
        advance(1, 2)
    progress.note(f"{number} is done")
    return number * number


def zeros(size: int, progress: Progress) -> bytes:
    """A result of `size` bytes."""
    return bytes(size)


def fills(size: int, progress: Progress) -> int:
    """Holds `size` bytes at least, and gives how many were asked for."""
    return len(bytearray(os.urandom(1) * size))


def a_function(progress: Progress) -> object:
    """What cannot be passed on."""
    return lambda: 0


def refuses(progress: Progress) -> None:
    """As this package raises on purpose."""
    raise UsageProblem("the budget is too small.")


def is_wrong(progress: Progress) -> None:
    """As a fault."""
    raise ValueError("no more")


def leaves(progress: Progress) -> None:
    """As libraries that take themselves for programs."""
    raise SystemExit(1)


def aborts(progress: Progress) -> None:
    """As C++ does where nobody catches."""
    os.abort()


def exits(code: int, progress: Progress) -> None:
    """Without a word."""
    os._exit(code)


def sleeps(folder: Path, seconds: float, progress: Progress) -> float:
    """Shows its process in `folder` and stays; the file's name ends with ``.over`` afterwards."""
    shown = folder / f"{os.getpid()}"
    shown.touch()
    begun = time.time()
    time.sleep(seconds)
    shown.with_suffix(".over").write_text(f"{begun} {time.time()}")
    return seconds


def own_cores(progress: Progress) -> int:
    """How many it keeps to."""
    return cores()


def sums(progress: Progress) -> float:
    """Work for several threads of OpenMP, of torch and of scikit-learn, which bring one each."""
    import numpy as np
    import torch
    from sklearn.cluster import KMeans

    torch_sum = float(torch.ones(2000, 2000).matmul(torch.ones(2000, 2000)).sum())
    return torch_sum + KMeans(3, n_init=1, random_state=0).fit(np.arange(6000.0).reshape(-1, 1)).inertia_
