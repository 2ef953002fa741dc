"""Latencies of several models on one device, or of one model on several, as histograms on one axis."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from exporter.data.facts.profile import Measured
from exporter.data.units import format_time
from exporter.report.html.plots.axes import Axis, time_axis
from profilers.summary import Histogram, Statistics

BINS = 60
HEIGHT = 40
_KEPT = 0.995
"""Samples beyond this share fall into a histogram's last bin (`profilers.summary`)."""
_FOLD = 1.25
"""The axis ends so many times behind the latest 95th percentile; what is later is folded into one bar."""


class Strip(NamedTuple):
    """One histogram.

    Attributes:
        path: SVG path of the bars, in a drawing of 100 by `HEIGHT`; each strip is as high as its tallest bar.
        middle: percent of the axis at which the median stands.
        low: likewise the beginning of its 95 % interval.
        high: and its end.
        later: samples that are folded away.
        latest: the last of them, in words.
    """

    path: str
    middle: float
    low: float
    high: float
    later: int
    latest: str


def strips(found: Sequence[Measured | None]) -> tuple[Axis | None, list[Strip | None]]:
    """The axis that all share, and the strip of each; None where no latency was measured."""
    known = [_latency(one) for one in found]
    drawn = [one for one in known if one is not None]
    if not drawn:
        return None, [None] * len(found)
    axis = _axis(drawn)
    return axis, [None if one is None else _strip(*one, axis) for one in known]


def _latency(measured: Measured | None) -> tuple[Statistics, Histogram] | None:
    latency = measured.measured_latency() if measured else None
    found = latency.statistics if latency else None
    return (found, found.histogram) if found and found.histogram and math.isfinite(found.p50) else None


def _axis(drawn: Sequence[tuple[Statistics, Histogram]]) -> Axis:
    ends = [min(_end(bins), _FOLD * found.p95 if math.isfinite(found.p95) else math.inf) for found, bins in drawn]
    return time_axis(min(bins.low for _, bins in drawn), max(ends))


def _end(bins: Histogram) -> float:
    return bins.low + bins.bin_width * len(bins.counts)


def _strip(found: Statistics, bins: Histogram, axis: Axis) -> Strip:
    counts, later = _counts(bins, axis)
    tallest = max(counts) or 1.0
    width = 100 / BINS
    bars = [
        f"M{place * width:.2f} {HEIGHT}v{-HEIGHT * count / tallest:.2f}h{0.9 * width:.2f}V{HEIGHT}z"
        for place, count in enumerate(counts)
        if count
    ]
    low, high = (
        axis.place(one) if math.isfinite(one) else axis.place(found.p50) for one in (found.p50_low, found.p50_high)
    )
    return Strip("".join(bars), axis.place(found.p50), low, high, later, format_time(found.max) if later else "")


def _counts(bins: Histogram, axis: Axis) -> tuple[list[float], int]:
    """Samples in each bin of the axis, spread evenly over what their own bins cover, and how many are later."""
    total = sum(bins.counts)
    later = total - math.ceil(_KEPT * total)
    own = [*bins.counts[:-1], bins.counts[-1] - later]
    counts = [0.0] * BINS
    for number, count in enumerate(own):
        start = bins.low + number * bins.bin_width
        if start + bins.bin_width / 2 > axis.high:
            later += count
        elif count:
            _spread(counts, count, axis.place(start), axis.place(start + bins.bin_width))
    return counts, later


def _spread(counts: list[float], count: int, start: float, end: float) -> None:
    """Add `count` to the bins between two places of the axis, in percent."""
    first, last = (min(BINS - 1, int(BINS * place / 100)) for place in (start, end))
    for place in range(first, last + 1):
        counts[place] += count / (last + 1 - first)
