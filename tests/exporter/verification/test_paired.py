"""What a sample can decide."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.verification.paired import at_chance, binomial_tail, paired_drop


@given(st.integers(1, 2000), st.data())
def test_an_interval_holds_its_figure(examples: int, data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, examples))
    gained = data.draw(st.integers(0, examples - lost))
    drop = paired_drop(lost, gained, examples)
    assert -1 <= drop.low <= drop.value <= drop.high <= 1
    assert drop.value == (lost - gained) / examples


def test_more_examples_decide_more() -> None:
    widths = [paired_drop(count // 50, count // 60, count) for count in (100, 1000, 10_000)]
    assert sorted((item.high - item.low for item in widths), reverse=True) == [item.high - item.low for item in widths]


def test_coverage_of_the_interval() -> None:
    """Simulated pairs: the interval holds the true difference in about 95 of 100 samples."""
    import numpy as np

    draws = np.random.default_rng(0).multinomial(300, [0.04, 0.02, 0.94], size=2000)
    held = [drop.low <= 0.02 <= drop.high for drop in (paired_drop(int(a), int(b), 300) for a, b, _ in draws)]
    assert 0.93 <= np.mean(held) <= 0.985


@given(st.integers(1, 60), st.integers(2, 20), st.data())
def test_binomial_tail_by_counting(trials: int, classes: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    share = 1 / classes
    wanted = sum(math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(hits, trials + 1))
    assert binomial_tail(hits, trials, share) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("hits", "examples", "classes", "guessing"),
    [
        (0, 500, 1000, True),
        (2, 500, 1000, True),
        (3, 500, 1000, False),
        (430, 500, 1000, False),
        (7, 10, 2, True),
        (60, 100, 2, False),
    ],
)
def test_chance(hits: int, examples: int, classes: int, guessing: bool) -> None:
    assert at_chance(hits, examples, 1 / classes) is guessing
