"""Routes from a source to an artifact, in order, and the choice of the first that computes what the source does."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from profilers.decibels import snr_db

LEAST_SNR_DB = 60.0
"""Float rounding leaves 100 dB and more in the networks tried; what is below this is computed wrongly."""
BEST_DB = 200.0

Model = TypeVar("Model")


@dataclass(frozen=True)
class Route(Generic[Model]):
    """A way to make a model; `make` raises `ToolError` where it leads nowhere."""

    name: str
    make: Callable[[], Model]


@dataclass(frozen=True)
class Taken(Generic[Model]):
    """A model that was made and run once.

    Attributes:
        route: what made it.
        model: what it made.
        snr_db: of its worst output on the sample, against the source.
    """

    route: str
    model: Model
    snr_db: float

    @property
    def right(self) -> bool:
        """Whether it computes what the source computes."""
        return self.snr_db >= LEAST_SNR_DB


def first_right(routes: Iterable[Route[Model]], snr_of: Callable[[Model], float]) -> Taken[Model]:
    """What the first route makes that is right, else the least wrong.

    Args:
        routes: in the order in which they are tried.
        snr_of: runs a model on a sample; a `ToolError` of it is the route's.

    Raises:
        ToolError: no route makes a model that runs; what the first one said.
    """
    found: list[Taken[Model]] = []
    failures: list[ToolError] = []
    for route in routes:
        try:
            model = route.make()
            taken = Taken(route.name, model, snr_of(model))
        except ToolError as error:
            failures.append(error)
            continue
        if taken.right:
            return taken
        found.append(taken)
    if not found:
        raise failures[0]
    return max(found, key=lambda taken: taken.snr_db)


def least_snr(found: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]) -> float:
    """Signal-to-noise ratio of the worst output in dB; minus infinity for another shape or another NaN."""
    return min((_snr(one, other) for one, other in zip(found, expected, strict=True)), default=BEST_DB)


def _snr(found: NDArray[Any], expected: NDArray[Any]) -> float:
    return min(BEST_DB, snr_db(expected, found)) if found.shape == expected.shape else -np.inf
