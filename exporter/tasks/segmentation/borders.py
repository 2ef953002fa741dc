"""The band inside the borders of segments (Cheng et al., "Boundary IoU", 2021)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.execution.heavy import load_torch

OUTSIDE = -2
"""A class that no pixel has, so that the edge of the image is a border, as in the paper's code."""


def band_width(size: Sequence[int], share: float) -> int:
    """Pixels of the band: a share of the diagonal, and at least one."""
    return max(1, round(share * math.hypot(*size)))


def borders(classes: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
    """Pixels of each class that erosion by a square (a cube in volumes) of `width` to each side takes away."""
    torch = load_torch()
    given = torch.from_numpy(classes.astype(np.float32))
    padded = torch.nn.functional.pad(given, (width,) * (2 * classes.ndim), value=float(OUTSIDE))
    found = _highest(torch, padded, width) != -_highest(torch, -padded, width)
    return np.asarray(found.numpy(), bool)


def _highest(torch: Any, values: Any, width: int) -> Any:
    for axis in range(values.ndim):
        moved = values.movedim(axis, -1)
        rows = moved.reshape(1, -1, moved.shape[-1])
        pooled = torch.nn.functional.max_pool1d(rows, 2 * width + 1, stride=1)
        values = pooled.reshape(*moved.shape[:-1], -1).movedim(-1, axis)
    return values
