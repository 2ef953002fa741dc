"""Counts with and without numpy are the same: the light install tells of a file what the full one tells."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.formats.common.bytes.counting import Counting, Plain, counting
from exporter.formats.common.bytes.values import WithNumpy

RANGES = {"b": (-128, 127), "B": (0, 255), "h": (-(2**15), 2**15 - 1), "I": (0, 2**32 - 1), "q": (-(2**63), 2**63 - 1)}


@pytest.mark.parametrize("each", [Plain(), WithNumpy()], ids=lambda each: type(each).__name__)
@given(st.data(), st.sampled_from(sorted(RANGES)))
def test_counts_are_those_of_the_numbers(each: Counting, data: st.DataObject, code: str) -> None:
    low, high = RANGES[code]
    few = st.sampled_from([low, -1 if low else high, 0, 1, high])
    numbers = data.draw(st.lists(few | st.integers(low, high), max_size=30))
    wanted = data.draw(few)
    view = memoryview(array(code, numbers))
    assert each.equal(view, wanted) == numbers.count(wanted)
    assert each.distinct(view) == len(set(numbers))


@given(st.lists(st.integers(0, 2**16 - 1), max_size=10))
def test_many_numbers_of_sixteen_bits(few: list[int]) -> None:
    """numpy's are counted by value above a size."""
    view = memoryview(array("H", few * 1000))
    assert Plain().distinct(view) == WithNumpy().distinct(view) == len(set(few))


def test_the_faster_one_is_taken() -> None:
    assert isinstance(counting(), WithNumpy)
