"""Tasks for processes beside this one; whoever imports them loads no heavy library."""

import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from exporter.data.progress import Progress


def squares(numbers: list[int], progress: Progress) -> Iterator[int]:
    """A result each, and what is told of it."""
    for number in numbers:
        with progress.stage(f"squaring {number}") as advance:
            advance(1, 2)
        progress.note(f"{number} is done")
        yield number * number


def crashes_at(place: int, progress: Progress) -> Iterator[int]:
    """As a library with a fault in its C code."""
    for number in range(5):
        if number == place:
            ctypes.string_at(0)
        yield number


def fails(progress: Progress) -> Iterator[int]:
    """Ends by itself, with a traceback."""
    yield 1
    raise ValueError("no more")


def sleeps(folder: Path, progress: Progress) -> Iterator[int]:
    """Says that it is there, and stays."""
    (folder / str(os.getpid())).touch()
    time.sleep(600)
    yield 0


def sums(progress: Progress) -> Iterator[float]:
    """Work for several threads of OpenMP, of torch and of scikit-learn, which bring one each."""
    import torch
    from sklearn.cluster import KMeans

    yield float(torch.ones(2000, 2000).matmul(torch.ones(2000, 2000)).sum())
    yield float(KMeans(3, n_init=1, random_state=0).fit(np.arange(6000.0).reshape(-1, 1)).inertia_)
