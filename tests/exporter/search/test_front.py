"""Front and named points: none is dominated, none is outside, and what the sample cannot tell apart is said."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.facts.points import Point
from exporter.search.front import NAMES, choices, equal, front
from tests.exporter.search.points import loss, point, verdict

PAIRS = st.lists(st.tuples(st.integers(1, 50), st.integers(-5, 50), st.sampled_from(["inside", "outside", "no loss"])))


def points_of(pairs: list[tuple[int, int, str]]) -> list[Point]:
    return [
        point(
            str(index),
            1000 * size,
            None if kind == "no loss" else lost / 10,
            verdicts=(verdict(2, 1),) if kind == "outside" else (),
        )
        for index, (size, lost, kind) in enumerate(pairs)
    ]


def value_of(point: Point) -> float:
    assert point.loss is not None
    return point.loss.value


@given(PAIRS)
def test_no_point_of_the_front_is_bettered(pairs: list[tuple[int, int, str]]) -> None:
    """Protects the choice: every point that is left out has one on the front that is no larger and loses no more."""
    given = points_of(pairs)
    inside = [one for one in given if one.inside and one.loss is not None]
    kept = front(given)
    assert all(one in inside for one in kept)
    for lower, upper in itertools.pairwise(kept):
        assert (lower.size_bytes or 0) < (upper.size_bytes or 0)
        assert value_of(lower) > value_of(upper)
    for one in inside:
        assert any(
            (other.size_bytes or 0) <= (one.size_bytes or 0) and value_of(other) <= value_of(one) for other in kept
        )


@given(PAIRS)
def test_named_points_are_of_the_front_in_their_order(pairs: list[tuple[int, int, str]]) -> None:
    given = points_of(pairs)
    known, named = front(given), choices(given)
    assert [one.name for one in named] == (list(NAMES) if known else [])
    if named:
        quality, balanced, compact = (one.point for one in named)
        assert compact == known[0]
        assert equal(quality, known[-1])
        assert balanced in known
        assert (compact.size_bytes or 0) <= (balanced.size_bytes or 0) <= (quality.size_bytes or 0)


def test_balanced_is_where_more_bytes_stop_paying() -> None:
    given = [point("a", 1000, 5.0), point("b", 1200, 1.0), point("c", 2000, 0.5), point("d", 4000, 0.0)]
    names = {one.name: one.point.plan.key for one in choices(given)}
    assert names == {"quality": "d", "balanced": "b", "compact": "a"}


def test_names_of_one_point_say_so() -> None:
    """Protects from a choice that is none."""
    only = choices([point("a", 1000, 1.0)])
    assert [one.same_as for one in only] == [(), ("quality",), ("quality", "balanced")]


def test_quality_takes_no_bytes_for_what_the_sample_cannot_tell() -> None:
    given = [point("a", 1000, loss(0.05, 0.5)), point("b", 9000, loss(0.0, 0.5))]
    assert {one.name: one.point.plan.key for one in choices(given)}["quality"] == "a"


EQUAL = [
    (loss(1.0, 0.5), loss(1.4, 0.5), True),
    (loss(1.0, 0.5), loss(1.6, 0.5), False),
    (loss(1.0, 0.1), loss(1.4, 0.5), False),
    (loss(1.0, 0.1), None, False),
    (loss(1.0, math.inf), loss(9.0, math.inf), True),
]


@pytest.mark.parametrize(("one", "other", "same"), EQUAL)
def test_equal_are_those_that_lie_in_each_other_s_interval(one: object, other: object, same: bool) -> None:
    first, second = point("a", 1, one), point("b", 2, other)  # type: ignore[arg-type]
    assert equal(first, second) is equal(second, first) is same


def test_what_went_unchecked_or_wrong_is_outside() -> None:
    """Protects from "could not" taken for passed; warnings keep nobody outside."""
    assert point("a", 1).inside
    assert not point("a", None).inside
    assert not point("a", 1, error="it failed").inside
    assert not point("a", 1, verdicts=(verdict(None, 1),)).inside
    assert point("a", 1, verdicts=(verdict(2, 1, severity="warning"),)).inside


def test_by_latency_points_without_readings_are_off_the_front() -> None:
    given = [point("a", 1000, 1.0), point("b", 2000, 1.0, latency_s=0.1), point("c", 3000, 0.5, latency_s=0.1)]
    assert [one.plan.key for one in front(given, "latency")] == ["c"]


def test_a_loss_that_is_no_number_stands_for_nothing() -> None:
    """Protects the front from a figure that could not be computed: it hid every larger point."""
    given = [point("a", 1000, loss(math.nan)), point("b", 2000, 0.5)]
    assert [one.plan.key for one in front(given)] == ["b"]
