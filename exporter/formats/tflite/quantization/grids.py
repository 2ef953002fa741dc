"""Symmetric integer grids of weights, and how their integers lie in a file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_OFF_GRID = 1e-2
"""Share of a step by which values that lie on a grid may miss it: float32 rounding leaves about 1e-5."""


def scales(values: NDArray[np.float32], axis: int | None, bits: int) -> NDArray[np.float32]:
    """Largest magnitude of each channel / (2^(bits-1) - 1); 1 for a channel of zeros.

    Args:
        values: a weight.
        axis: of the channels; None for one scale for all.
        bits: of an integer, 8 or 4.

    Returns:
        One scale a channel, or one in all.
    """
    others = tuple(place for place in range(values.ndim) if place != axis)
    peaks = np.atleast_1d(np.abs(values).max(axis=others)) if values.size else np.zeros(1, np.float32)
    steps = (peaks / np.float32(top(bits))).astype(np.float32)
    return np.where(steps >= np.finfo(np.float32).tiny, steps, np.float32(1))


def top(bits: int) -> int:
    """Largest integer of a symmetric grid; the smallest is its negative (TFLite quantization specification)."""
    return int(2 ** (bits - 1) - 1)


def integers(values: NDArray[np.float32], steps: NDArray[np.float32], axis: int | None, bits: int) -> NDArray[np.int8]:
    """The nearest integers of the grid of `steps`, ties to even, in the shape of `values`."""
    nearest = np.rint(values / _spread(steps, axis, values.ndim))
    return np.asarray(np.clip(nearest, -top(bits), top(bits)), np.int8)


def on_grid(values: NDArray[np.float32], steps: NDArray[np.float32], axis: int | None) -> bool:
    """Whether every value is a multiple of its channel's step."""
    ratio = values / _spread(steps, axis, values.ndim)
    return bool((np.abs(ratio - np.rint(ratio)) <= MOST_OFF_GRID).all())


def packed(values: NDArray[np.int8], bits: int) -> NDArray[np.uint8]:
    """The bytes of a buffer: one integer a byte, or two of four bits, the low half first (TFLite schema, ``INT4``)."""
    flat = np.ascontiguousarray(values).reshape(-1)
    if bits == 8:
        return flat.view(np.uint8)
    halves = np.zeros(len(flat) + len(flat) % 2, np.uint8)
    halves[: len(flat)] = flat.view(np.uint8) & 15
    return np.asarray(halves[::2] | halves[1::2] << 4, np.uint8)


def _spread(steps: NDArray[np.float32], axis: int | None, rank: int) -> NDArray[Any]:
    if axis is None:
        return steps.reshape([1] * rank)
    return steps.reshape([-1 if place == axis else 1 for place in range(rank)])
