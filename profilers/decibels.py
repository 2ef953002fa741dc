"""The signal-to-noise ratio: one rule for zero, NaN and infinity wherever two sets of numbers are compared.

=====================  =======================================================================
no difference           infinity, also for two silent signals: nothing is wrong
a difference            ``10 log10(signal / noise)``; of a silent signal, minus infinity
noise is infinite       minus infinity
NaN, or both infinite   NaN, which no limit passes (`decibels`)
a value not finite      minus infinity, unless the other is not finite in the same way (`snr_db`)
=====================  =======================================================================
"""

import math
from typing import Any

import numpy as np


def decibels(signal: float, noise: float) -> float:
    """``10 log10(signal / noise)`` of two powers, for any two numbers that are not negative."""
    if math.isnan(signal) or math.isnan(noise) or (math.isinf(signal) and math.isinf(noise)):
        return math.nan
    if noise == 0:
        return math.inf
    if signal == 0 or math.isinf(noise):
        return -math.inf
    # The quotient of two floats may overflow where the difference of their logarithms does not.
    return math.inf if math.isinf(signal) else 10 * (math.log10(signal) - math.log10(noise))


def snr_db(wanted: Any, found: Any) -> float:
    """How well `found` stands for `wanted`, two arrays of real numbers of one size, in dB; never NaN.

    Values are scaled before they are squared, so that no square overflows or vanishes.
    """
    signal, other = (np.asarray(values, np.float64).reshape(-1) for values in (wanted, found))
    known = np.isfinite(signal)
    if not np.array_equal(signal[~known], other[~known], equal_nan=True) or not np.isfinite(other[known]).all():
        return -math.inf
    signal, other = signal[known], other[known]
    scale = max(float(np.abs(values).max(initial=0.0)) for values in (signal, other)) or 1.0
    signal, other = signal / scale, other / scale
    return decibels(float(np.square(signal).sum()), float(np.square(signal - other).sum()))
