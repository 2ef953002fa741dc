"""The equal error rate."""

import numpy as np
from numpy.typing import NDArray


def equal_error_rate(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Where as many wrong ones are accepted as right ones are rejected.

    The mean of both shares at the threshold where they differ least (torchmetrics ``BinaryEER``).

    Args:
        scores: higher means positive.

    Returns:
        NaN where there are no positive examples, or no negative ones.
    """
    if positive.all() or not positive.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(scores[order][1:] != scores[order][:-1], True))
    wrong, right = np.cumsum(~positive[order])[ends], np.cumsum(positive[order])[ends]
    false_accepts = np.append(0, wrong) / wrong[-1]
    false_rejects = 1 - np.append(0, right) / right[-1]
    place = int(np.argmin(np.abs(false_accepts - false_rejects)))
    return float((false_accepts[place] + false_rejects[place]) / 2)
