"""Routes from a source to an artifact, in order, and the choice of the first that computes what the source does."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import NotEvaluableError, ToolError, UsageProblem
from exporter.formats.common.refusals import RefusedError
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
    """A model that was made, and run once where something here can run it.

    Attributes:
        route: what made it.
        model: what it made.
        snr_db: of its worst output on the sample, against the source; None where it could not be run.
        least_db: what it must reach.
        notes: sentences for the record: what was wrong with it or with routes before it, or why it was not checked.
    """

    route: str
    model: Model
    snr_db: float | None
    least_db: float
    notes: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether it is known to compute something else than the source."""
        return self.snr_db is not None and not self.snr_db >= self.least_db


def only(routes: Iterable[Route[Model]], name: str) -> Sequence[Route[Model]]:
    """The route called `name`; all of them for an empty name.

    Raises:
        UsageProblem: none of them is called so.
    """
    routes = list(routes)
    if name and not any(route.name == name for route in routes):
        names = ", ".join(route.name for route in routes)
        raise UsageProblem(f"route {name} does not start from a source of this kind; its routes are {names}.")
    return [route for route in routes if name in ("", route.name)]


def once(make: Callable[[], Model]) -> Callable[[], Model]:
    """`make`, called once: what it gave is given again, and the `ToolError` that it raised is raised again."""

    @cache
    def made() -> Model | ToolError:
        try:
            return make()
        except ToolError as error:
            return error

    def again() -> Model:
        found = made()
        if isinstance(found, ToolError):
            raise found
        return found

    return again


def first_right(
    routes: Iterable[Route[Model]],
    snr_of: Callable[[Model], float],
    what: str,
    *,
    least_db: float = LEAST_SNR_DB,
    blame: Callable[[Model], str] = lambda model: "",
) -> Taken[Model]:
    """What the first route makes that is not known to be wrong, else the least wrong.

    Args:
        routes: in the order in which they are tried.
        snr_of: runs a model on a sample; a `ToolError` of it is the route's, but for `NotEvaluableError`, which leaves
            the model unchecked.
        what: is made, in sentences: "a Core ML model".
        least_db: what a right model reaches.
        blame: names what a wrong model computes wrongly, as a sentence; asked where no route is right.

    Raises:
        ToolError: no route makes a model that runs; what each of them said, the shortest remedy first.
    """
    found: list[Taken[Model]] = []
    failures: list[tuple[str, ToolError]] = []
    passed: list[str] = []
    for route in routes:
        try:
            taken = _taken(route, snr_of, least_db)
        except ToolError as error:
            failures.append((route.name, error))
            passed.append(f"{route.name} was passed over: {_fact(error)}")
            continue
        if not taken.wrong:
            return replace(taken, notes=(*passed, *taken.notes))
        found.append(taken)
        passed.append(_passed_over(taken))
    if not found:
        raise _all_of(failures)
    least_wrong = max(found, key=_order)
    return replace(least_wrong, notes=(_no_right_one(least_wrong, what, blame(least_wrong.model)),))


def _taken(route: Route[Model], snr_of: Callable[[Model], float], least_db: float) -> Taken[Model]:
    model = route.make()
    try:
        return Taken(route.name, model, snr_of(model), least_db)
    except NotEvaluableError as error:
        note = f"what {route.name} gave was not checked against the source: {error}"
        return Taken(route.name, model, None, least_db, (note,))


def _order(taken: Taken[Any]) -> float:
    return -np.inf if taken.snr_db is None or np.isnan(taken.snr_db) else taken.snr_db


def _passed_over(taken: Taken[Any]) -> str:
    return (
        f"{taken.route} was passed over: what it gave computes something else than the source, "
        f"{taken.snr_db:.0f} dB on noise"
    )


def _fact(error: ToolError) -> str:
    return error.fact if isinstance(error, RefusedError) else str(error).partition(". ")[0].rstrip(".")


def _all_of(failures: Sequence[tuple[str, ToolError]]) -> ToolError:
    """One error of them all: first what names operator and place, by the shortest remedy; the same in one line."""
    ordered = [error for _, error in sorted(failures, key=lambda failure: _use(failure[1]))]
    said = list(dict.fromkeys(_fact(error) for error in ordered))
    if len(said) == 1:
        return ordered[0]
    others = [f"  {', '.join(name for name, error in failures if _fact(error) == fact)}: {fact}" for fact in said]
    return ToolError(f"{ordered[0]}\nNo other route converts it either:\n" + "\n".join(others))


def _use(error: ToolError) -> tuple[bool, float]:
    """How far back an error stands among those that one message tells."""
    return (not error.located, len(error.remedy)) if isinstance(error, RefusedError) else (True, np.inf)


def _no_right_one(taken: Taken[Any], what: str, blamed: str) -> str:
    where = f"{blamed}. " if blamed else ""
    return (
        f"no route gave {what} that computes what the source computes: {taken.snr_db:.0f} dB on noise before "
        f"compression, by {taken.route}. {where}Write it in another way, or choose another target."
    )


def least_snr(found: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]) -> float:
    """Signal-to-noise ratio of the worst output in dB; minus infinity for another shape or another NaN."""
    return min((_snr(one, other) for one, other in zip(found, expected, strict=True)), default=BEST_DB)


def _snr(found: NDArray[Any], expected: NDArray[Any]) -> float:
    return min(BEST_DB, snr_db(expected, found)) if found.shape == expected.shape else -np.inf
