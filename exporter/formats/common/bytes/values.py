"""Counts over the values of a weight."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def nonzeros(values: NDArray[Any]) -> int:
    """Elements that are not zero."""
    return int(np.count_nonzero(values))


def distinct(values: NDArray[Any]) -> int:
    """Distinct values; narrow types by counting, wide ones by sorting (numpy sorts 32-bit types with SIMD)."""
    flat = np.ascontiguousarray(values).reshape(-1)
    if flat.size == 0:
        return 0
    if flat.dtype.itemsize == 1:
        return int(np.count_nonzero(np.bincount(flat.view(np.uint8), minlength=256)))
    if flat.dtype.itemsize == 2 and flat.size > 4096:
        return int(np.count_nonzero(np.bincount(flat.view(np.uint16), minlength=65536)))
    ordered = np.sort(flat)
    return 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def unpack_int4(packed: NDArray[np.uint8], size: int) -> NDArray[np.int8]:
    """Two signed 4-bit values a byte, the low half first (TFLite schema, ``INT4``)."""
    halves = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)[:size].astype(np.int8)
    return np.where(halves > 7, halves - 16, halves).astype(np.int8)
