"""Thresholds as float32, such that runtimes that compare with them decide as torchvision does.

torchvision compares an IoU of float32 with a threshold of float64, by ``>``.
"""

import numpy as np

SMALLEST = np.finfo(np.float32).tiny
"""Runtimes may take smaller numbers for zero."""


def at_most(threshold: float) -> np.float32:
    """The largest float32 that is not above `threshold`: a float32 is above both or none."""
    nearest = np.float32(threshold)
    return nearest if float(nearest) <= threshold else np.nextafter(nearest, np.float32(-np.inf))


def just_above(threshold: float) -> np.float32:
    """The smallest float32 above `threshold`, for runtimes that compare by ``>=``."""
    return max(np.nextafter(at_most(threshold), np.float32(np.inf)), SMALLEST)
