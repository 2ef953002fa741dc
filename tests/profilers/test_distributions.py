"""Student's t and the binomial distribution: a wrong tail calls differences that are none."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilers.distributions import beta_cdf, binomial_cdf, t_quantile, t_two_sided

FREEDOM = st.floats(0.5, 1e5)


@pytest.fixture(scope="module")
def special() -> Any:
    """What the peers compute; it comes with the converters."""
    return pytest.importorskip("scipy.special", reason="SciPy is not installed (extra `export`)")


@pytest.mark.parametrize(
    ("freedom", "confidence", "tabled"),
    [(1, 0.95, 12.706), (2, 0.99, 9.925), (5, 0.9, 2.015), (10, 0.95, 2.228), (30, 0.99, 2.750), (120, 0.95, 1.980)],
)
def test_quantiles_are_those_of_the_tables(freedom: int, confidence: float, tabled: float) -> None:
    """Abramowitz and Stegun, table 26.10."""
    assert t_quantile(confidence, freedom) == pytest.approx(tabled, abs=5e-4)


@given(st.floats(-300, 300), FREEDOM)
def test_t_is_scipys(special: Any, statistic: float, freedom: float) -> None:
    """Far into the tails, where a subtraction from 1 would leave nothing."""
    wanted = float(2 * special.stdtr(freedom, -abs(statistic)))
    assert t_two_sided(statistic, freedom) == pytest.approx(wanted, rel=1e-7, abs=1e-290)


@given(st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]), FREEDOM)
def test_quantiles_are_scipys(special: Any, confidence: float, freedom: float) -> None:
    assert t_quantile(confidence, freedom) == pytest.approx(float(special.stdtrit(freedom, 0.5 + confidence / 2)), 1e-8)


@given(st.integers(1, 50_000), st.floats(0, 1), st.floats(0.001, 0.999))
def test_binomial_is_scipys(special: Any, trials: int, part: float, share: float) -> None:
    successes = int(part * trials)
    wanted = float(special.bdtr(successes, trials, share))
    assert binomial_cdf(successes, trials, share) == pytest.approx(wanted, abs=1e-9)


@given(st.integers(1, 40), st.floats(0, 1))
def test_binomial_is_the_sum_of_its_terms(trials: int, share: float) -> None:
    """By the definition, in exact order; also for impossible and certain events."""
    total = 0.0
    for successes in range(trials + 1):
        total += math.comb(trials, successes) * share**successes * (1 - share) ** (trials - successes)
        assert binomial_cdf(successes, trials, share) == pytest.approx(total, abs=1e-12)


@given(st.floats(0, 1), st.floats(0.1, 1e3), st.floats(0.1, 1e3))
def test_beta_is_symmetric_and_a_probability(x: float, a: float, b: float) -> None:
    assert 0 <= beta_cdf(x, a, b) <= 1 + 1e-12
    assert beta_cdf(x, a, b) == pytest.approx(1 - beta_cdf(1 - x, b, a), abs=1e-9)


@given(st.floats(0.01, 0.999), FREEDOM)
def test_quantile_and_probability_are_inverse(confidence: float, freedom: float) -> None:
    assert t_two_sided(t_quantile(confidence, freedom), freedom) == pytest.approx(1 - confidence, rel=1e-6)


def test_an_infinite_statistic_has_no_probability() -> None:
    assert t_two_sided(math.inf, 3) == 0
