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


class WithNumpy:
    """Implements `exporter.formats.common.bytes.counting.Counting`."""

    def equal(self, numbers: memoryview, value: int) -> int:
        """See `Counting`."""
        return int(np.count_nonzero(np.asarray(numbers) == value))

    def distinct(self, numbers: memoryview) -> int:
        """See `Counting`."""
        return distinct(np.asarray(numbers))
