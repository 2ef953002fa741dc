"""The arithmetic of differences between outputs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from exporter.verification.metrics import Difference, Ranking, is_class_scores, rank_of
from profilers.decibels import decibels

values = hnp.arrays(np.float32, st.integers(2, 8), elements=st.floats(-100, 100, width=32))
anything = hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), elements=st.floats(width=32))


@given(values)
def test_equal_outputs_have_no_noise(output: np.ndarray) -> None:  # type: ignore[type-arg]
    difference = Difference()
    difference.add(output, output.copy())
    assert difference.snr_db == math.inf
    assert difference.max_abs_error == 0
    assert difference.cosine == pytest.approx(1.0)


def test_snr_is_ten_times_the_log_of_power() -> None:
    difference = Difference()
    difference.add(np.asarray([10.0, 0.0]), np.asarray([9.0, 0.0]))
    assert difference.snr_db == pytest.approx(20.0)
    assert difference.max_abs_error == 1.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_never_lost(bad: float) -> None:
    """Python's min and max keep the first of two values when the other is NaN; log10(signal / inf) raises."""
    difference = Difference()
    difference.add(np.asarray([1.0, 2.0]), np.asarray([1.0, 2.0]))
    difference.add(np.asarray([1.0, 2.0]), np.asarray([1.0, bad]))
    difference.add(np.asarray([1.0, 2.0]), np.asarray([1.0, 2.0]))
    assert difference.snr_db == -math.inf
    assert difference.max_abs_error == math.inf
    assert math.isnan(difference.cosine)
    assert (difference.artifact.values, difference.artifact.example, difference.source.values) == (1, 1, 0)


def test_a_source_that_is_not_finite_is_counted_apart() -> None:
    difference = Difference()
    difference.add(np.asarray([np.nan, 2.0]), np.asarray([np.nan, 2.0]))
    assert (difference.source.values, difference.source.example, difference.artifact.values) == (1, 0, 0)


@given(anything, st.data())
def test_no_values_raise(output: np.ndarray, data: st.DataObject) -> None:  # type: ignore[type-arg]
    """Every float32, NaN, infinities, denormals and the largest included, has figures."""
    other = data.draw(hnp.arrays(np.float32, output.shape, elements=st.floats(width=32)))
    difference = Difference()
    difference.add(output, other)
    equal = np.array_equal(output, other, equal_nan=True)
    assert equal or difference.snr_db < math.inf or difference.source.values


@given(st.floats(0), st.floats(0))
def test_decibels_of_any_two_powers(signal: float, noise: float) -> None:
    found = decibels(signal, noise)
    assert math.isnan(found) == (math.isinf(signal) and math.isinf(noise))


@given(values, st.data())
def test_rank_counts_better_classes(scores: np.ndarray, data: st.DataObject) -> None:  # type: ignore[type-arg]
    label = data.draw(st.integers(0, len(scores) - 1))
    assert (rank_of(scores, label) == 0) == (int(scores.argmax()) == label)
    assert sorted(rank_of(scores, index) for index in range(len(scores))) == list(range(len(scores)))


def test_accuracy_agreement_and_pairs() -> None:
    ranking = Ranking(labels=[0, 1, 0])
    ranking.add(0, np.asarray([2.0, 1.0]), np.asarray([1.0, 2.0]))
    ranking.add(1, np.asarray([1.0, 2.0]), np.asarray([1.0, 2.0]))
    ranking.add(2, np.asarray([1.0, 2.0]), np.asarray([2.0, 1.0]))
    assert ranking.agreed == 1
    assert ranking.accuracy("source", 1) == ranking.accuracy("artifact", 1) == pytest.approx(2 / 3)
    assert (ranking.lost[1], ranking.gained[1]) == (1, 1)
    assert ranking.accuracy("artifact", 5) == 1.0
    assert Ranking(labels=None).accuracy("source", 1) is None


def test_scores_with_nan_agree_with_nothing() -> None:
    ranking = Ranking(labels=None)
    ranking.add(0, np.asarray([2.0, 1.0]), np.asarray([np.nan, 1.0]))
    assert ranking.agreed == 0


def test_maps_and_indices_are_not_class_scores() -> None:
    assert is_class_scores(np.zeros(10))
    assert is_class_scores(np.zeros((1, 1, 10)))
    assert not is_class_scores(np.zeros((4, 8)))
    assert not is_class_scores(np.zeros(1))
    assert not is_class_scores(np.zeros((1, 10), np.int64))
