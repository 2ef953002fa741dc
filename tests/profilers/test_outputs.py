"""Outputs of a device against this machine's: every value of every output, each output on its own."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from profilers.difference import Difference, worst_of
from profilers.outputs import VALUE_SHARE, compare_output


def compared(ours: np.ndarray, theirs: np.ndarray) -> Difference:  # type: ignore[type-arg]
    return compare_output("x", ours, theirs)


def test_known_ratios() -> None:
    """A tenth of the amplitude as noise is 20 dB; equal outputs have none."""
    reference = np.array([3.0, 4.0], np.float32)
    assert compared(reference, reference).snr_db == math.inf
    assert compared(reference, np.array([3.3, 4.4], np.float32)).snr_db == pytest.approx(20, abs=1e-3)
    assert compared(np.zeros(2, np.int8), np.ones(2, np.int8)).snr_db == -math.inf


def test_the_worst_output_is_told_and_not_hidden_by_a_large_one() -> None:
    """Pooled, 1000 right values of 100 hide that the second output is all wrong (73 dB); alone it has 0 dB."""
    large, small = np.full(1000, 100.0, np.float32), np.full(1, 0.7, np.float32)
    found = worst_of([compare_output("large", large, large), compare_output("small", small, 0 * small)])
    assert (found.name, found.snr_db) == ("small", pytest.approx(0))
    assert "1 of 1 values" in str(found.wrong)


@pytest.mark.parametrize(("found", "words"), [(np.zeros(3, np.float32), "float32[3]"), (np.zeros(2), "float64")])
def test_not_comparable(found: np.ndarray, words: str) -> None:  # type: ignore[type-arg]
    """Another shape or type is told instead of being averaged away."""
    difference = compared(np.zeros(2, np.float32), found)
    assert difference.snr_db is None
    assert words in str(difference.wrong)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_lost_on_the_device_is_wrong_with_its_output_and_count(bad: float) -> None:
    """float16 overflow on a GPU: 10 log10(signal / infinity) is no number, and a mean would hide it."""
    ours = np.arange(10, dtype=np.float32)
    theirs = ours.copy()
    theirs[[2, 5]] = bad
    found = compare_output("boxes", ours, theirs)
    assert found.wrong == "output 'boxes': 2 of 10 values are NaN or infinite where this machine's are finite"
    assert found.snr_db is None


def test_a_reference_that_is_not_finite_decides_nothing() -> None:
    """Equal NaNs prove nothing; a wrong finite value beside them is wrong all the same."""
    ours = np.array([1.0, np.nan, 2.0], np.float32)
    same = compare_output("y", ours, ours.copy())
    assert same.wrong is None
    assert "1 of 3 values are NaN or infinite on this machine itself" in str(same.unchecked)
    assert compare_output("y", ours, np.array([5.0, np.nan, 2.0], np.float32)).wrong
    assert compare_output("y", ours, np.array([np.nan, np.nan, 2.0], np.float32)).wrong
    assert compare_output("y", np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32)).unchecked


def test_one_wrong_value_of_a_million_is_seen() -> None:
    """Its ratio, 40 dB, is above any limit."""
    ours = np.ones(1_000_000, np.float32)
    theirs = ours.copy()
    theirs[7] = 11
    found = compare_output("y", ours, theirs)
    assert found.snr_db == pytest.approx(40, abs=1e-6)
    assert "1 of 1000000 values" in str(found.wrong)


def test_what_rounding_explains_passes() -> None:
    """Noise of 35 dB over a million values, and one quantum of a quantized output."""
    generator = np.random.default_rng(0)
    ours = generator.normal(size=1_000_000).astype(np.float32)
    noisy = (ours + generator.normal(scale=10 ** (-35 / 20), size=ours.shape)).astype(np.float32)
    found = compare_output("y", ours, noisy)
    assert (found.wrong, found.unchecked) == (None, None)
    assert found.snr_db == pytest.approx(35, abs=0.1)
    scores = np.full(1000, -128, np.int8)
    scores[3] = 100
    near = scores.copy()
    near[[3, 4]] += 1
    assert compare_output("y", scores, near).wrong is None


def test_indices_and_masks_must_be_equal() -> None:
    """Class 3 instead of 4 is another class, not a small difference; so is one pixel of a mask."""
    assert compare_output("y", np.array([300, 4]), np.array([300, 3])).wrong
    assert compare_output("y", np.array([True] * 9), np.array([True] * 8 + [False])).wrong
    assert compare_output("y", np.array([2**60 + 1]), np.array([2**60])).wrong
    assert compare_output("y", np.array([300, 4]), np.array([300, 4])).snr_db == math.inf


DTYPES = st.sampled_from(["float16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"])
OUTPUTS = DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=4, max_side=5)))


@given(OUTPUTS, st.data())
def test_nothing_raises_and_no_wrong_value_passes(ours: Any, data: st.DataObject) -> None:
    """Any rank, type and values, NaN and infinity among them: one value far off, or lost, is never called right."""
    assert compare_output("y", ours, ours.copy()).wrong is None
    finite = np.isfinite(ours) if ours.dtype.kind == "f" else np.ones(ours.shape, bool)
    if not finite.any():
        assert compare_output("y", ours, ours.copy()).unchecked
        return
    theirs = ours.copy()
    at = data.draw(st.sampled_from([tuple(index) for index in np.argwhere(finite)]))
    if ours.dtype.kind == "f":
        span = float(np.ptp(ours[finite].astype(np.float64) / 4)) * 4 + abs(float(ours[at]))
        with np.errstate(over="ignore"):
            theirs[at] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf, float(ours[at]) + span + 1.0]))
    else:
        theirs[at] = ~theirs[at] if ours.dtype.kind == "b" else np.invert(ours[at])
        step = abs(int(ours[at]) - int(theirs[at]))
        others = ours.reshape(-1).astype(np.float64)
        away = others - np.median(others)
        allowed = VALUE_SHARE * max(abs(float(ours[at]) - float(np.median(others))), math.sqrt(np.mean(away**2)))
        if ours.dtype.itemsize <= 2 and ours.dtype.kind != "b" and step <= max(2, allowed) * 1.01:
            return
    found = compare_output("y", ours, theirs)
    assert found.wrong
    assert "y" in found.wrong


@given(arrays.arrays("float64", st.integers(1, 20)), arrays.arrays("float64", st.integers(1, 20)))
def test_any_two_outputs_have_a_finding(ours: Any, theirs: Any) -> None:
    """Also with values whose squares overflow or vanish."""
    found = compare_output("y", ours, theirs)
    assert found.snr_db is None or not math.isnan(found.snr_db)
    assert worst_of([found, found]) is found
