"""Which class was chosen and which was right, of any sample of examples."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def right_by_class(
    labels: Sequence[int], right: Sequence[bool], sample: NDArray[np.intp], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Share of a class's examples that are right, NaN where there are none; and its different examples.

    Args:
        labels: the right class of each example; -1 where it is not known.
        classes: how many there are at least.
    """
    times = np.bincount(sample, minlength=len(labels))
    places = np.flatnonzero((np.asarray(labels) >= 0) & (times > 0))
    named, weights = np.asarray(labels)[places], times[places]
    size = max(classes, int(np.max(labels, initial=-1)) + 1)
    shown = np.bincount(named, weights, size)
    hits = np.bincount(named, weights * np.asarray(right)[places], size)
    share = np.where(shown > 0, hits / np.maximum(shown, 1), np.nan)
    return share, np.bincount(named, minlength=size).astype(np.int64)
