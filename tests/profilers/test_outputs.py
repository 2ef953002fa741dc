"""Signal-to-noise ratio of outputs."""

import math

import numpy as np
import pytest

from profilers.outputs import signal_to_noise_db


def test_known_ratios() -> None:
    """A tenth of the amplitude as noise is 20 dB; equal outputs have none."""
    reference = [np.array([3.0, 4.0], np.float32)]
    assert signal_to_noise_db(reference, reference) == math.inf
    assert signal_to_noise_db(reference, [np.array([3.3, 4.4], np.float32)]) == pytest.approx(20, abs=1e-3)
    zeros = [np.zeros(2, np.int8)]
    assert signal_to_noise_db(zeros, [np.ones(2, np.int8)]) == -math.inf


@pytest.mark.parametrize(
    ("found", "words"),
    [([], "0 outputs"), ([np.zeros(3, np.float32)], "float32\\[3\\]"), ([np.zeros(2)], "float64"),
     ([np.array([np.nan, 0], np.float32)], "finite")],
)  # fmt: skip
def test_not_comparable(found: list[np.ndarray], words: str) -> None:  # type: ignore[type-arg]
    """Another number, shape or type, or a NaN, is told instead of being averaged away."""
    with pytest.raises(ValueError, match=words):
        signal_to_noise_db([np.zeros(2, np.float32)], found)
