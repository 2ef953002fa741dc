"""One-dimensional k-means is a global optimum."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from exporter.formats.common.kmeans1d import boundaries, distinct


def _error(values: NDArray[Any], weights: NDArray[Any], starts: NDArray[Any]) -> float:
    total = 0.0
    for low, high in itertools.pairwise(starts):
        part, weight = values[low:high], weights[low:high]
        total += float(np.sum(weight * (part - np.average(part, weights=weight)) ** 2))
    return total


def _least(values: NDArray[Any], weights: NDArray[Any], k: int) -> float:
    """By dynamic programming over all partitions."""
    n = len(values)
    cost = np.array(
        [[_error(values, weights, np.array([i, j])) if j > i else 0 for j in range(n + 1)] for i in range(n)]
    )
    best: NDArray[Any] = np.full(n + 1, np.inf)
    best[0] = 0
    for _ in range(k):
        best = np.array([min((best[i] + cost[i, j] for i in range(j)), default=np.inf) for j in range(n + 1)])
    return float(best[n])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(-30, 30), min_size=2, max_size=14, unique=True), st.integers(1, 8), st.integers(0, 2**32 - 1)
)
def test_no_partition_is_better(numbers: list[int], k: int, seed: int) -> None:
    values = np.sort(np.array(numbers, np.float64))
    weights = np.random.default_rng(seed).integers(1, 5, len(values)).astype(np.float64)
    k = min(k, len(values))
    starts = boundaries(values, weights, k)
    assert len(starts) == k + 1
    assert np.all(np.diff(starts) > 0)
    assert _error(values, weights, starts) == pytest.approx(_least(values, weights, k), abs=1e-9)


@pytest.mark.parametrize("k", [3, 5, 7, 16, 64, 200])
def test_equal_steps_have_ties_at_every_price_and_still_give_k_clusters(k: int) -> None:
    values, weights = np.arange(256, dtype=np.float64), np.ones(256)
    starts = boundaries(values, weights, k)
    sizes = np.diff(starts)
    assert len(sizes) == k
    assert sizes.max() - sizes.min() <= 1, "equal values are best shared out evenly"


def test_distinct_values_of_float16_are_numpys() -> None:
    values = np.random.default_rng(0).standard_normal(20_000).astype(np.float16)
    values[:3] = [0.0, -0.0, 0.0]
    numbers, counts = distinct(values)
    wanted, frequency = np.unique(values.astype(np.float64), return_counts=True)
    assert np.array_equal(numbers, wanted)
    assert np.array_equal(counts, frequency)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        distinct(np.array([1.0, bad]))


def test_more_clusters_than_values_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot make 4 clusters"):
        boundaries(np.arange(3, dtype=np.float64), np.ones(3), 4)
