"""Percentiles, intervals and comparisons."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilers.comparison import compare
from profilers.statistics import mean_estimate, percentile, percentile_estimate, split

FLOATS = st.floats(1e-6, 1e3)


@given(st.lists(FLOATS, min_size=1, max_size=200), st.floats(0, 100))
def test_percentile_lies_between_the_extremes(samples: list[float], q: float) -> None:
    """And is numpy's."""
    value = percentile(samples, q)
    assert min(samples) <= value * (1 + 1e-12)
    assert value <= max(samples) * (1 + 1e-12)


@given(st.lists(FLOATS, min_size=1, max_size=100), st.sampled_from([50.0, 90.0, 95.0, 99.0]))
def test_interval_holds_the_value(samples: list[float], q: float) -> None:
    """A bound inside the figure would pass budgets that the figure itself breaks."""
    for groups in ((), (len(samples),), (1,) * len(samples)):
        estimate = percentile_estimate(samples, q, groups=groups)
        assert estimate.low <= estimate.value <= estimate.high


def test_order_statistics_are_those_of_the_tables() -> None:
    """n = 20, median, 95 %: the 6th and the 15th (Conover, table A3)."""
    estimate = percentile_estimate(list(range(1, 21)), 50)
    assert (estimate.low, estimate.high) == (6, 15)


def test_too_few_samples_do_not_bound_a_high_percentile() -> None:
    """Ten samples say nothing of the upper end of p90."""
    assert percentile_estimate(list(range(10)), 90).high == math.inf


@pytest.mark.parametrize(("q", "count", "groups"), [(50.0, 60, 1), (90.0, 120, 1), (50.0, 50, 5)])
def test_coverage(q: float, count: int, groups: int) -> None:
    """Of 95 % intervals at least 93 % hold the truth, also when processes differ by more than inferences do."""
    generator = np.random.default_rng(7)
    within, between = generator.normal(0, 0.05, 10**6), generator.normal(0, 0.1, 10**6)
    truth = float(np.quantile(np.exp(within + (groups > 1) * between), q / 100))
    hits = 0
    for _ in range(400):
        shifts = np.repeat(generator.normal(0, 0.1, groups) * (groups > 1), count // groups)
        samples = np.exp(generator.normal(0, 0.05, count) + shifts).tolist()
        estimate = percentile_estimate(samples, q, groups=[count // groups] * groups if groups > 1 else ())
        hits += estimate.low <= truth <= estimate.high
    assert hits / 400 >= 0.93


def test_mean_of_one_sample_is_unbounded() -> None:
    """One repeat of an energy measurement proves nothing."""
    assert mean_estimate([3.0]).high == math.inf


def test_groups_must_add_up() -> None:
    """A sample that belongs to no process is an error, not a guess."""
    with pytest.raises(ValueError, match="add up"):
        split([1.0, 2.0], [1])


def test_comparison_needs_three_processes_each() -> None:
    """Two processes of one program differ more often than by chance within one."""
    comparison = compare([1.0] * 6, [2.0] * 6, baseline_groups=[3, 3], candidate_groups=[3, 3])
    assert not comparison.differs
    assert "three processes" in comparison.reason


def test_comparison_is_antisymmetric() -> None:
    """Swapping the sides inverts the ratio and keeps the p value."""
    generator = np.random.default_rng(1)
    sides = [np.exp(generator.normal(shift, 0.02, 50)).tolist() for shift in (0, 0.05)]
    there = compare(sides[0], sides[1], baseline_groups=[10] * 5, candidate_groups=[10] * 5)
    back = compare(sides[1], sides[0], baseline_groups=[10] * 5, candidate_groups=[10] * 5)
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.differs


def test_equal_sides_do_not_differ() -> None:
    """Also without any spread, where the test statistic is 0 / 0."""
    assert compare([1.0] * 3, [1.0] * 3, baseline_groups=[1] * 3, candidate_groups=[1] * 3).p_value == 1.0
    assert compare([1.0] * 3, [2.0] * 3, baseline_groups=[1] * 3, candidate_groups=[1] * 3).differs
