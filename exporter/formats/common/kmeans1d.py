"""Exact k-means of numbers, in O(n log n) for each of a handful of passes instead of O(n k).

Optimal clusters of sorted numbers are contiguous, and their squared error obeys the quadrangle inequality. So the least
error as a function of the number of clusters is convex, and a price a cluster (a Lagrange multiplier) turns "exactly k
clusters" into a shortest path without a count: one pass of the concave least-weight subsequence algorithm (Wilber 1988;
Galil and Park 1992). The price that gives k clusters is found by Newton's steps inside a bracket; where ties leave no
such price, the paths of the two neighbouring counts are spliced (Aggarwal, Schieber and Tokuyama 1994). The result is a
global optimum, as coremltools' own kmeans1d finds it in O(n k).
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
_MOST_PASSES = 200


@numba.njit(cache=True)
def _gain(weight: Floats, moment: Floats, i: int, j: int) -> float:  # pragma: no cover - compiled
    """What the numbers i to j - 1 save as one cluster against none: their squared moment over their weight."""
    total = moment[j] - moment[i]
    return float(total * total / (weight[j] - weight[i]))


@numba.njit(cache=True)
def _shortest(weight: Floats, moment: Floats, price: float, parent: Places) -> int:  # pragma: no cover - compiled
    """Fill `parent` with the optimal partition at a price a cluster; gives the number of clusters."""
    n = len(weight) - 1
    cost = np.zeros(n + 1)
    count = np.zeros(n + 1, np.int64)
    start = np.zeros(n + 2, np.int64)
    source = np.zeros(n + 2, np.int64)
    head, tail = 0, 1
    start[0] = 1
    for j in range(1, n + 1):
        while tail - head > 1 and start[head + 1] <= j:
            head += 1
        i = source[head]
        parent[j] = i
        count[j] = count[i] + 1
        cost[j] = cost[i] - _gain(weight, moment, i, j) + price
        if j == n:
            break
        while True:
            i = source[tail - 1]
            low = max(start[tail - 1], j + 1)
            if cost[j] - _gain(weight, moment, j, low) < cost[i] - _gain(weight, moment, i, low):
                tail -= 1
                if tail > head:
                    continue
                source[tail], start[tail] = j, j + 1
                tail += 1
                break
            if cost[j] - _gain(weight, moment, j, n) < cost[i] - _gain(weight, moment, i, n):
                high = n
                while high - low > 1:
                    middle = (low + high) // 2
                    if cost[j] - _gain(weight, moment, j, middle) < cost[i] - _gain(weight, moment, i, middle):
                        high = middle
                    else:
                        low = middle
                source[tail], start[tail] = j, high
                tail += 1
            break
    return int(count[n])


def boundaries(values: Floats, weights: Floats, k: int) -> Places:
    """Where the clusters of least weighted squared error begin.

    Args:
        values: ``[n]``, strictly ascending.
        weights: ``[n]``, positive.
        k: number of clusters, at most n.

    Returns:
        ``[k + 1]``: cluster c holds the values from its c-th to before its next element.
    """
    n = len(values)
    if not 1 <= k <= n:
        raise ValueError(f"{n} values cannot make {k} clusters")
    if k == n:
        return np.arange(n + 1)
    centred = values - np.average(values, weights=weights)
    weight = np.concatenate([[0.0], np.cumsum(weights)])
    moment = np.concatenate([[0.0], np.cumsum(weights * centred)])
    spread = float(np.sum(weights * centred**2))
    return _search(weight, moment, spread, k)


def _search(weight: Floats, moment: Floats, spread: float, k: int) -> Places:
    n = len(weight) - 1
    few: tuple[float, int, Places] = (np.inf, 1, np.array([0, n]))
    many: tuple[float, int, Places] = (0.0, n, np.arange(n + 1))
    price = 2 * spread / k**3
    for attempt in range(_MOST_PASSES):
        parent = np.zeros(n + 1, np.int64)
        count = _shortest(weight, moment, price, parent)
        path = _walk(parent, count)
        if count == k:
            return path
        if count < k:
            few = (price, count, path)
        else:
            many = (price, count, path)
        proposed = price * (count / k) ** 3
        if not many[0] < proposed < few[0] or attempt > 8:
            proposed = _between(many[0], few[0], price)
        if not many[0] < proposed < few[0] or (np.isfinite(few[0]) and few[0] - many[0] <= 1e-14 * few[0]):
            break
        price = proposed
    return _splice(few[2], many[2], k)


def _between(low: float, high: float, price: float) -> float:
    if not np.isfinite(high):
        return price * 8
    return low + (high - low) / 2 if low > high / 4 else (np.sqrt(low * high) if low > 0 else high / 64)


def _walk(parent: Places, count: int) -> Places:
    path = np.zeros(count + 1, np.int64)
    at = len(parent) - 1
    for place in range(count, -1, -1):
        path[place] = at
        at = parent[at]
    return path


def _splice(few: Places, many: Places, k: int) -> Places:
    """Of two paths that are optimal at the same price, one of exactly `k` clusters, which then is optimal too."""
    ahead = k - (len(few) - 1)
    for x in range(len(few) - 1):
        if few[x] <= many[x + ahead] and few[x + 1] >= many[x + 1 + ahead]:
            return np.concatenate([many[: x + ahead + 1], few[x + 1 :]])
    raise AssertionError("two optimal paths always cross")


def distinct(values: NDArray[Any]) -> tuple[Floats, Floats]:
    """The distinct finite values of an array, ascending, and how often each occurs."""
    flat = np.ravel(values)
    if flat.dtype == np.float16 and flat.size > 8192:
        counts = np.bincount(flat.view(np.uint16), minlength=65536)
        codes = np.flatnonzero(counts).astype(np.uint16)
        numbers = codes.view(np.float16).astype(np.float64)
        order = np.argsort(numbers, kind="stable")
        numbers, frequency = numbers[order], counts[codes][order]
    else:
        numbers, frequency = np.unique(flat.astype(np.float64), return_counts=True)
    if not np.isfinite(numbers).all():
        raise ValueError("the weight has values that are not finite")
    same = np.flatnonzero(np.diff(numbers, prepend=np.nan) != 0)  # 0.0 and -0.0 are one value
    return numbers[same], np.add.reduceat(frequency, same).astype(np.float64)
