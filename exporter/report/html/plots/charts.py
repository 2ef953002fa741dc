"""Coordinates of the report's drawings; the template draws them as SVG."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from exporter.data.facts.profile import Measured
from exporter.data.results.record import RunRecord

PLOT_WIDTH, PLOT_HEIGHT = 640, 240


class Bar(NamedTuple):
    """One bar of a histogram in a drawing of 100 by 100."""

    x: float
    width: float
    height: float
    low: float
    high: float
    samples: int


class Point(NamedTuple):
    """One artifact in the accuracy-against-size plot; `tone` is the style sheet's class of its format."""

    name: str
    tone: str
    x: float
    y: float
    size_bytes: int
    value: float


def latency_histogram(measured: Measured | None) -> list[Bar]:
    """The bins of the measured latencies; nothing where there are none."""
    latency = None if measured is None else measured.measured_latency()
    bins = None if latency is None or latency.statistics is None else latency.statistics.histogram
    if bins is None:
        return []
    tallest, step = max(bins.counts), 100 / len(bins.counts)
    edges = [bins.low + index * bins.bin_width for index in range(len(bins.counts) + 1)]
    return [
        Bar(index * step, step * 0.85, 100 * count / tallest, edges[index], edges[index + 1], count)
        for index, count in enumerate(bins.counts)
    ]


def accuracy_size_points(record: RunRecord, tones: Mapping[str, str]) -> dict[str, Any] | None:
    """Artifacts by size and by top-1, or by SNR where there are no labels; None with nothing to show.

    Args:
        record: of the run.
        tones: the style sheet's class of each format.
    """
    rows = [
        (target, target.parities[0])
        for target in record.targets
        if target.artifact is not None and target.parities and not target.parities[0].not_compared
    ]
    if not rows:
        return None
    labelled = all(parity.top1 is not None for _, parity in rows)
    values = [
        100 * (parity.top1 or 0) if labelled else (parity.snr_db if parity.snr_db is not None else 120.0)
        for _, parity in rows
    ]
    sizes = [target.artifact.size_bytes for target, _ in rows if target.artifact]
    low, high = _padded(min(values), max(values))
    high = min(high, 100.0) if labelled else high
    largest = max(sizes) * 1.1
    points = [
        Point(
            name=target.name,
            tone=tones[target.format],
            x=PLOT_WIDTH * size / largest,
            y=PLOT_HEIGHT * (1 - (value - low) / (high - low)),
            size_bytes=size,
            value=value,
        )
        for (target, _), size, value in zip(rows, sizes, values, strict=True)
    ]
    return {
        "points": points,
        "label": "top-1 %" if labelled else "SNR dB",
        "y_ticks": [(PLOT_HEIGHT * (1 - step / 4), low + (high - low) * step / 4) for step in range(5)],
        "x_ticks": [(PLOT_WIDTH * step / 4, largest * step / 4) for step in range(5)],
    }


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = (high - low) * 0.15 or 1.0
    return low - margin, high + margin
