"""Percentiles, confidence intervals and comparison of samples that came in groups (processes); pure functions.

Inferences of one process share its memory layout, its CPU and the moment, so they are not independent: intervals and
tests look at the spread between processes wherever there are several (Kalibera and Jones, "Rigorous Benchmarking in
Reasonable Time", 2013).
"""

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from profilers.distributions import binomial_cdf, t_quantile


class Estimate(NamedTuple):
    """A figure with its confidence interval; `low` and `high` are infinite where the samples cannot bound it."""

    value: float
    low: float
    high: float
    confidence: float
    method: str


def percentile(samples: Sequence[float], q: float) -> float:
    """The `q`-th percentile (0 to 100), interpolated linearly between order statistics."""
    if not samples:
        raise ValueError("a percentile needs at least one sample")
    if any(map(math.isnan, samples)):
        return math.nan
    ordered = sorted(samples)
    place = (len(ordered) - 1) * q / 100
    below = min(int(place), len(ordered) - 1)
    return _between(ordered[below], ordered[min(below + 1, len(ordered) - 1)], place - below)


def mean(samples: Sequence[float]) -> float:
    """The arithmetic mean; NaN or infinite where a sample or the sum is."""
    try:
        return math.fsum(samples) / len(samples)
    except (OverflowError, ValueError):  # too large a sum, or infinities of both signs
        return sum(samples) / len(samples)


def variance(samples: Sequence[float]) -> float:
    """Sample variance (n - 1) of at least two samples; NaN where one is not finite."""
    middle = mean(samples)
    return mean([(sample - middle) * (sample - middle) for sample in samples]) * len(samples) / (len(samples) - 1)


def split(samples: Sequence[float], groups: Sequence[int]) -> list[Sequence[float]]:
    """`samples` cut into groups of the given lengths; one group when `groups` is empty."""
    if not groups:
        return [samples]
    if sum(groups) != len(samples) or min(groups) < 1:
        raise ValueError(f"groups {list(groups)} do not add up to {len(samples)} samples")
    ends = list(itertools.accumulate(groups))
    return [samples[end - count : end] for end, count in zip(ends, groups, strict=True)]


def percentile_estimate(
    samples: Sequence[float], q: float, *, groups: Sequence[int] = (), confidence: float = 0.95
) -> Estimate:
    """The `q`-th percentile of all samples with a two-sided interval.

    From three groups on: Student's t over the groups' percentiles, widened to hold the pooled percentile. With fewer,
    the distribution-free interval between order statistics (David and Nagaraja, section 7.1), which does not see what
    changes from process to process.
    """
    parts = split(samples, groups)
    value = percentile(samples, q)
    if not all(map(math.isfinite, samples)):
        return Estimate(value, math.nan, math.nan, confidence, "none: a sample is NaN or infinite")
    if len(parts) >= 3:
        center, half = _t_interval([percentile(part, q) for part in parts], confidence)
        method = f"Student's t over {len(parts)} processes"
        return Estimate(value, min(value, center - half), max(value, center + half), confidence, method)
    low, high = _order_interval(sorted(samples), q / 100, confidence)
    low, high = min(low, value), max(high, value)  # interpolation can put the value outside
    return Estimate(value, low, high, confidence, f"order statistics of {len(samples)} samples")


def mean_estimate(samples: Sequence[float], *, confidence: float = 0.95) -> Estimate:
    """The mean with Student's t interval; unbounded for a single sample."""
    center, half = _t_interval(samples, confidence)
    return Estimate(center, center - half, center + half, confidence, f"Student's t over {len(samples)} samples")


def coefficient_of_variation(samples: Sequence[float]) -> float:
    """Sample standard deviation over the mean; infinite with fewer than two samples or a mean of 0."""
    if len(samples) < 2 or not mean(samples):
        return math.inf
    return math.sqrt(variance(samples)) / abs(mean(samples))


def spread(samples: Sequence[float]) -> float:
    """(largest - smallest) / median; NaN when a sample is."""
    middle = percentile(samples, 50)
    return (max(samples) - min(samples)) / middle if middle else math.inf


def _between(low: float, high: float, share: float) -> float:
    """From the nearer end, so that rounding never leaves the two; equal ends may be infinite."""
    if low == high:
        return float(low)
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)


def _t_interval(samples: Sequence[float], confidence: float) -> tuple[float, float]:
    if not samples:
        raise ValueError("a mean needs at least one sample")
    if len(samples) == 1:
        return float(samples[0]), math.inf
    factor = t_quantile(confidence, len(samples) - 1)
    return mean(samples), factor * math.sqrt(variance(samples) / len(samples))


def _order_interval(ordered: Sequence[float], share: float, confidence: float) -> tuple[float, float]:
    """Order statistics that hold the quantile `share` with at least `confidence`, or infinity where none can."""
    count = len(ordered)
    tail = (1 - confidence) / 2

    def below(most: int) -> float:
        """Probability that at most so many samples lie below the quantile."""
        return binomial_cdf(most, count, share)

    lower = bisect_right(range(count), tail, key=below) - 1
    upper = bisect_left(range(count), 1 - tail, key=below)
    return (ordered[lower] if lower >= 0 else -math.inf), (ordered[upper] if upper < count else math.inf)
