"""Trials: examples of every shape that is tried, and how far a model is from its source on the worst of them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from exporter.data.errors import NotEvaluableError, ToolError
from exporter.formats.common.routes import least_snr

Arrays = Sequence[NDArray[Any]]


class Trial(NamedTuple):
    """An example as a model takes it, and what the source gives for it."""

    sample: tuple[NDArray[Any], ...]
    expected: Arrays


def least_over(trials: Sequence[Trial], run: Callable[[Trial], Arrays]) -> float:
    """Signal-to-noise ratio in dB of the worst output of the worst trial.

    Args:
        trials: the first has the shapes with which the source was traced.
        run: what a model gives for one, in the order and layout of `Trial.expected`.

    Raises:
        ToolError: it does not run; where it runs on the first alone, the shapes are named.
    """
    return min(least_snr(_found(trial, run, trial is trials[0]), trial.expected) for trial in trials)


def _found(trial: Trial, run: Callable[[Trial], Arrays], first: bool) -> Arrays:
    try:
        return run(trial)
    except NotEvaluableError:
        raise
    except ToolError as error:
        if first:
            raise
        shapes = ", ".join("x".join(map(str, value.shape)) for value in trial.sample)
        raise ToolError(f"what it gave does not take every shape, not {shapes}: {error}") from error
