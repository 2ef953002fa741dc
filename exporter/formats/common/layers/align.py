"""Pairs two sequences in order, with the greatest total score (Needleman and Wunsch, 1970, without a price of gaps)."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def aligned(scores: NDArray[Any]) -> list[tuple[int, int]]:
    """Pairs of a row and a column, ascending in both, none of score 0.

    Args:
        scores: how well a row and a column fit, from 0 up.
    """
    best = _best_from(scores)
    pairs, i, j = [], 0, 0
    rows, columns = scores.shape
    while i < rows and j < columns:
        if scores[i, j] > 0 and math.isclose(best[i, j], scores[i, j] + best[i + 1, j + 1]):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i, j] == best[i + 1, j]:
            i += 1
        else:
            j += 1
    return pairs


def _best_from(scores: NDArray[Any]) -> NDArray[Any]:
    """The greatest total of the rows and columns from each place on."""
    rows, columns = scores.shape
    best = np.zeros((rows + 1, columns + 1))
    for i in range(rows - 1, -1, -1):
        taken = scores[i] + best[i + 1, 1:]
        row = np.where(scores[i] > 0, np.maximum(taken, best[i + 1, :-1]), best[i + 1, :-1])
        best[i, :-1] = np.maximum.accumulate(row[::-1])[::-1]
    return best
