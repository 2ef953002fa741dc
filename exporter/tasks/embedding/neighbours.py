"""The nearest vectors."""

import numpy as np
from numpy.typing import NDArray

ROWS = 1024
"""Vectors that are compared with all at a time, which bounds the memory."""


def neighbours(table: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Places of the `count` nearest other vectors of each, the nearest first; all others where there are fewer.

    Args:
        table: (vectors, size), of length 1, so that the nearest has the greatest product.
    """
    count = min(count, len(table) - 1)
    found = np.zeros((len(table), count), np.int64)
    for start in range(0, len(table), ROWS):
        products = table[start : start + ROWS] @ table.T
        rows = np.arange(len(products))
        products[rows, start + rows] = -np.inf
        found[start : start + ROWS] = np.argsort(-products, axis=1, kind="stable")[:, :count]
    return found
