"""Finds out by running the source which axis of each output counts the examples; nothing is assumed of shapes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Sequence[NDArray[Any]]
Run = Callable[[Arrays], list[NDArray[Any]]]

CLOSE = 1e-3
"""Batches may round otherwise than single examples do, by this share of the largest magnitude."""


def stacking_axes(run: Run, first: Arrays, second: Arrays) -> tuple[int | None, ...] | None:
    """The axis of each output along which the results of two examples lie side by side.

    Args:
        run: the source.
        first: an example as the source takes it, the batch of one included.
        second: another one.

    Returns:
        An axis an output, None for an output that does not depend on the number of examples; or None when a batch of
        two does not compute what two single runs do, so that examples must run one by one.
    """
    together = [np.concatenate(pair) for pair in zip(first, second, strict=True)]
    try:
        both = run(together)
    except Exception:  # noqa: BLE001 - a fixed batch size is no fault, and each kind of source refuses in its own way
        return None
    axes = [_axis_of(whole, one, other) for whole, one, other in zip(both, run(first), run(second), strict=True)]
    return None if any(axis == _NO_AXIS for axis in axes) else tuple(axes)


_NO_AXIS = -1


def _axis_of(whole: NDArray[Any], one: NDArray[Any], other: NDArray[Any]) -> int | None:
    for axis in range(one.ndim if one.ndim == other.ndim else 0):
        if whole.shape == _doubled(one.shape, axis) and _close(whole, np.concatenate([one, other], axis)):
            return axis
    if whole.shape == one.shape == other.shape and _close(whole, one) and _close(whole, other):
        return None
    return _NO_AXIS


def _doubled(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(size * (1 + (index == axis)) for index, size in enumerate(shape))


def split_results(results: Sequence[NDArray[Any]], axes: Sequence[int | None], count: int) -> list[list[NDArray[Any]]]:
    """The outputs of each of `count` examples that ran together.

    Raises:
        ValueError: an output is not `count` times as long as one example's.
    """
    columns = [
        [value] * count if axis is None else np.split(value, count, axis)
        for value, axis in zip(results, axes, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def rows_axis(run: Run, inputs: Arrays, other: Arrays, output: int) -> int | None:
    """The axis of an output that counts the examples of a fixed batch; None where that does not show.

    The last example of the batch is replaced by another one: what changes belongs to it.

    Args:
        inputs: one full batch, at least 2 examples along the first axis.
        other: another batch.
        output: which one.
    """
    size = len(inputs[0])
    changed = [np.concatenate([value[:-1], more[:1]]) for value, more in zip(inputs, other, strict=True)]
    before, after = run(inputs)[output], run(changed)[output]
    if before.shape != after.shape:
        return None
    differs = ~np.isclose(before, after, rtol=0, atol=CLOSE * _magnitude(before), equal_nan=True)
    for axis, length in enumerate(before.shape):
        others = tuple(index for index in range(before.ndim) if index != axis)
        if length == size and np.flatnonzero(differs.any(others)).tolist() == [size - 1]:
            return axis
    return None


def _close(found: NDArray[Any], wanted: NDArray[Any]) -> bool:
    return bool(np.allclose(found, wanted, rtol=0, atol=CLOSE * _magnitude(wanted), equal_nan=True))


def _magnitude(values: NDArray[Any]) -> float:
    finite = np.abs(values[np.isfinite(values)].astype(np.float64))
    return float(finite.max(initial=0.0)) or 1.0
