"""The ladder finds where limits begin to hold in few tries, and never asks twice."""

import math

import pytest

from exporter.search.ladder import CLOSE, FRONT, Ladder
from tests.exporter.search.options import usual

OPTIONS = usual(4)
LOW, HIGH = Ladder(OPTIONS).ends
MOST = math.ceil(math.log2(math.log(HIGH / LOW) / math.log(CLOSE))) + 2
"""Tries of a bisection one at a time, its ends included."""


def climbed(threshold: float, at_once: int = 1, cap: int | None = None) -> tuple[Ladder, list[int]]:
    """A ladder at its end, where sizes of `threshold` bytes and more are inside; and what it asked, in order."""
    ladder, asked = Ladder(OPTIONS, cap), list[int]()
    while True:
        while len(ladder.waiting) < at_once and (step := ladder.next()) is not None:
            ladder.asked(step[0])
            asked.append(step[0])
        if not ladder.waiting:
            return ladder, asked
        ladder.told(ladder.waiting[0], inside=ladder.waiting[0] >= threshold)


@pytest.mark.parametrize("at_once", [1, 2, 3])
@pytest.mark.parametrize("share", [0, 0.001, 0.2, 0.33, 0.5, 0.77, 0.999])
def test_it_finds_where_limits_begin_to_hold(at_once: int, share: float) -> None:
    """Protects the answer's bytes: the smallest size is found as closely as promised, in as many tries as needed."""
    threshold = LOW * (HIGH / LOW) ** share
    ladder, asked = climbed(threshold, at_once)
    assert len(asked) == len(set(asked))
    assert threshold <= min(ladder.passed) <= threshold * CLOSE**2
    assert len(asked) <= MOST + FRONT + 2 * (at_once - 1)


def test_where_all_fail_the_largest_was_tried() -> None:
    """Protects "nothing fits": that is said only after the most exact one was tried."""
    ladder, asked = climbed(math.inf)
    assert not ladder.passed
    assert max(asked) == HIGH
    assert len(asked) <= MOST


def test_where_all_pass_the_smallest_is_reached() -> None:
    ladder, asked = climbed(0)
    assert min(ladder.passed) == LOW
    assert not ladder.failed
    assert len(asked) <= MOST + FRONT


@pytest.mark.parametrize(("cap_share", "share"), [(0, 0), (0.001, 0), (0.3, 0.1), (0.3, 0.6), (0.9, 0.95), (1, 0.5)])
def test_nothing_above_the_cap_is_tried(cap_share: float, share: float) -> None:
    """Protects time: sizes that the budget refuses are no use."""
    cap = round(LOW + cap_share * (HIGH - LOW))
    _, asked = climbed(LOW + share * (HIGH - LOW), cap=cap)
    assert asked
    assert max(asked) <= cap


def test_above_the_smallest_there_is_a_front_up_to_the_most_exact() -> None:
    """Protects the choice: a person sees what more bytes would buy."""
    ladder, _ = climbed(LOW * 2)
    assert len(ladder.passed) >= FRONT
    assert max(ladder.passed) == HIGH


def test_the_front_waits_for_the_bisection() -> None:
    """While a size of the bisection is being tried, none of the front is: it may turn out beside the point."""
    ladder = Ladder(OPTIONS)
    ladder.told(HIGH, inside=True)
    ladder.asked(LOW)
    step = ladder.next()
    assert step is not None
    assert step[1]


def test_sizes_all_alike_end_at_once() -> None:
    """A network whose layers leave no choice is tried once."""
    single = {layer: given[:1] for layer, given in OPTIONS.items()}
    ladder = Ladder(single)
    assert ladder.next() == (ladder.ends[0], True)
    ladder.told(ladder.ends[0], inside=True)
    assert ladder.next() is None


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_files_that_are_too_large_alone_lead_to_smaller_ones(share: float) -> None:
    """Protects a budget of bytes: what a file holds beside its weights was taken for a loss, and nothing fitted."""
    threshold = LOW * (HIGH / LOW) ** share
    budget = int(threshold * CLOSE**2)
    beside = int(budget - threshold * CLOSE)
    ladder = Ladder(OPTIONS, cap=budget)
    while (step := ladder.next()) is not None:
        size = step[0]
        ladder.asked(size)
        excess = size + beside - budget
        if size < threshold or excess <= 0 or not ladder.too_large(size, excess):
            ladder.told(size, inside=size >= threshold and excess <= 0)
    assert threshold <= min(ladder.passed)
    assert max(ladder.passed) + beside <= budget


def test_a_budget_below_the_smallest_file_ends() -> None:
    """Protects contradicting budgets from a search without end."""
    ladder, tries = Ladder(OPTIONS, cap=LOW), 0
    while (step := ladder.next()) is not None:
        ladder.asked(step[0])
        tries += 1
        assert not ladder.too_large(step[0], 1000)
        ladder.told(step[0], inside=False)
    assert tries == 1
