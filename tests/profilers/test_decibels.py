"""The one signal-to-noise ratio; protects everything that compares numbers from a rule of its own for odd values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from profilers.decibels import decibels, snr_db

any_values = hnp.arrays(np.float32, 4, elements=st.floats(width=32))


@given(st.floats(0), st.floats(0))
def test_only_two_infinite_powers_have_no_ratio(signal: float, noise: float) -> None:
    assert math.isnan(decibels(signal, noise)) == (math.isinf(signal) and math.isinf(noise))


@pytest.mark.parametrize(
    ("wanted", "found", "db"),
    [
        ([3.0, 4.0], [3.3, 4.4], 20.0),
        ([0.0, 0.0], [0.0, 0.0], math.inf),
        ([0.0, 0.0], [0.0, 1e-30], -math.inf),
        ([1e300, 1e-300], [1.1e300, 0.0], 20.0),
        ([1e-300, 0.0], [1.1e-300, 0.0], 20.0),
        ([1.0, math.nan], [1.0, math.nan], math.inf),
        ([1.0, math.nan], [1.0, 2.0], -math.inf),
        ([1.0, math.inf], [1.0, -math.inf], -math.inf),
        ([1.0, 2.0], [1.0, math.inf], -math.inf),
    ],
)
def test_rule_for_odd_values(wanted: list[float], found: list[float], db: float) -> None:
    assert snr_db(np.array(wanted), np.array(found)) == pytest.approx(db, abs=1e-3)


@given(any_values, any_values)
def test_never_nan_and_never_perfect_with_a_difference(wanted: np.ndarray, found: np.ndarray) -> None:  # type: ignore[type-arg]
    ratio = snr_db(wanted, found)
    assert not math.isnan(ratio)
    assert ratio < math.inf or np.allclose(wanted, found, rtol=1e-7, atol=0, equal_nan=True) or _tiny(wanted, found)


def _tiny(wanted: np.ndarray, found: np.ndarray) -> bool:  # type: ignore[type-arg]
    """The difference is below what a square can hold beside the largest value."""
    scale = max(np.abs(wanted[np.isfinite(wanted)]).max(initial=0), np.abs(found[np.isfinite(found)]).max(initial=0))
    known = np.isfinite(wanted)
    return bool(np.abs(wanted[known].astype(float) - found[known]).max(initial=0) <= 1e-150 * scale)
