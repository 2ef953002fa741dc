"""An artifact's value with its axes where the source has them."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from profilers.decibels import snr_db

_MOST_AXES = 5
_ENOUGH_DB = 20.0
"""By so much an unusual order of axes must fit better than the usual ones, which must fit worse than this."""


class Arranged(NamedTuple):
    """A value in the source's shape.

    Attributes:
        axes: what was done to them, in words; empty for nothing.
        value: the result.
    """

    axes: str
    value: NDArray[Any]


def arrangements(value: NDArray[Any], shape: Sequence[int]) -> list[Arranged]:
    """The orders of axes that formats use and that give `shape`, apart from axes of length 1."""
    found: list[Arranged] = []
    seen: set[tuple[int, ...]] = set()
    for words, moved in _usual(value):
        squeezed = np.squeeze(moved)
        if squeezed.shape == _without_ones(shape) and squeezed.strides not in seen:
            seen.add(squeezed.strides)
            found.append(Arranged(words, moved.reshape(shape)))
    return found


def nearest(value: NDArray[Any], wanted: NDArray[Any]) -> tuple[Arranged, float] | None:
    """The order of axes that fits `wanted` best, and its SNR in dB; None where none gives its shape.

    Where axes have equal lengths several orders fit. Another order than the usual ones is taken only where it alone
    fits at all, or is right where those are wrong: a converter may keep a value in any order inside of a graph.
    """
    usual = _best(arrangements(value, wanted.shape), wanted)
    if usual is not None and usual[1] >= _ENOUGH_DB:
        return usual
    other = _best(_others(value, wanted.shape), wanted)
    if usual is None or other is None:
        return usual or other
    return other if other[1] >= max(usual[1] + _ENOUGH_DB, _ENOUGH_DB) else usual


def _best(choices: Sequence[Arranged] | Iterator[Arranged], wanted: NDArray[Any]) -> tuple[Arranged, float] | None:
    rated = [(choice, snr_db(wanted, choice.value)) for choice in choices]
    return max(rated, key=lambda one: one[1], default=None)


def _usual(value: NDArray[Any]) -> Iterator[Arranged]:
    yield Arranged("", value)
    if value.ndim > 2:
        yield Arranged("channels last", np.moveaxis(value, -1, 1))
        yield Arranged("channels first", np.moveaxis(value, 1, -1))


def _others(value: NDArray[Any], shape: Sequence[int]) -> Iterator[Arranged]:
    squeezed = np.squeeze(value)
    if sorted(squeezed.shape) != sorted(_without_ones(shape)) or squeezed.ndim > _MOST_AXES:
        return
    for order in itertools.permutations(range(squeezed.ndim)):
        moved = squeezed.transpose(order)
        if moved.shape == _without_ones(shape):
            yield Arranged(f"axes in the order {', '.join(map(str, order))}", moved.reshape(shape))


def _without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)
