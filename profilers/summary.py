"""Summary: a reading without its raw samples, with the figures that people and gates ask for."""

import math
from collections.abc import Sequence
from datetime import datetime

from device_harness.frozen import Frozen
from profilers.readings import Obtained, Reading
from profilers.statistics import percentile, percentile_estimate

HISTOGRAM_BINS = 40
MOST_DRAWN = 1e300


class Histogram(Frozen):
    """Finite samples in equal bins up to their 99.5th percentile; later ones fall into the last bin."""

    low: float
    bin_width: float
    counts: tuple[int, ...]


class Statistics(Frozen):
    """Figures over all samples of a reading, in its unit.

    Attributes:
        count: samples.
        processes: that they were taken in; 1 where that is not told.
        p50_low: lower end of the 95 % confidence interval of the median; infinite where the samples bound nothing.
        p50_high: upper end of it.
        p50_method: how the interval was had.
        histogram: None for fewer than two finite samples.
    """

    count: int
    processes: int
    mean: float
    min: float
    max: float
    p50: float
    p90: float
    p95: float
    p99: float
    p50_low: float
    p50_high: float
    p50_method: str
    histogram: Histogram | None = None


class Summary(Frozen):
    """One quantity of one model on one device; the fields that `Reading` has too mean the same.

    Attributes:
        statistics: None exactly when the reading is unavailable.
    """

    metric: str
    unit: str
    source: str
    sampling_interval_s: float | None = None
    device: str
    environment: str = "device"
    obtained: Obtained
    reason: str | None = None
    taken_at: datetime
    conditions: dict[str, str] = {}
    statistics: Statistics | None = None


def summarize(reading: Reading) -> Summary:
    """`reading` in figures."""
    facts = reading.model_dump(exclude={"samples", "warmup_samples", "groups", "turns"})
    return Summary(**facts, statistics=_statistics(reading) if reading.samples else None)


def _statistics(reading: Reading) -> Statistics:
    samples = reading.samples
    middle = percentile_estimate(samples, 50, groups=reading.groups)
    ranks = {f"p{rank}": percentile(samples, rank) for rank in (90, 95, 99)}
    return Statistics(
        count=len(samples),
        processes=max(1, len(reading.groups)),
        mean=math.fsum(each / len(samples) for each in samples) if all(map(math.isfinite, samples)) else math.nan,
        min=min(samples),
        max=max(samples),
        p50=middle.value,
        **ranks,
        p50_low=middle.low,
        p50_high=middle.high,
        p50_method=middle.method,
        histogram=histogram(samples),
    )


def histogram(samples: Sequence[float]) -> Histogram | None:
    """What is NaN, infinite or beyond `MOST_DRAWN` has no place in a drawing; the figures beside it show it."""
    ordered = sorted(sample for sample in samples if abs(sample) < MOST_DRAWN)
    if len(ordered) < 2:
        return None
    low, high = ordered[0], ordered[math.ceil(0.995 * len(ordered)) - 1]
    width = (high - low) / HISTOGRAM_BINS or abs(low) * 0.01 or 1e-9
    counts = [0] * HISTOGRAM_BINS
    for sample in ordered:
        counts[min(HISTOGRAM_BINS - 1, int((sample - low) / width))] += 1
    return Histogram(low=low, bin_width=width, counts=tuple(counts))
