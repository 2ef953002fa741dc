"""A sustained run over time: latency, and below it temperature and frequencies, each on an axis of its own."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from exporter.data.units import format_time
from exporter.report.device_words import span_words
from exporter.report.html.plots.axes import Axis
from profilers.curve import SustainedCurve

TICKS = 4
Lines = Sequence[tuple[str, Sequence[float | None]]]


class Line(NamedTuple):
    """Points of one quantity, in percent of a drawing, and what it is called."""

    points: str
    title: str
    tone: str


class Panel(NamedTuple):
    """Lines over time with one axis of values.

    Attributes:
        knee: percent of the width at which the knee stands; None without one.
        words: what a reader is told who does not see it.
    """

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    knee: float | None
    words: str


def panels(curve: SustainedCurve) -> list[Panel]:
    """Latency, and temperature and frequencies where they were sampled."""
    across = _axis([0.0, curve.length_s], span_words)
    knee = None if curve.knee is None else across.place(curve.knee.at_s)
    middles = [window.start_s + curve.window_s / 2 for window in curve.windows]
    names = dict.fromkeys(name for window in curve.windows for name in window.frequency_hz)
    warm = [None if one.temperature_k is None else one.temperature_k - 273.15 for one in curve.windows]
    hertz = [(f"{name} CPUs", [one.frequency_hz.get(name) for one in curve.windows]) for name in names]
    latency: Lines = [("latency", [one.p50_s for one in curve.windows])]
    given: list[tuple[str, Lines, Callable[[float], str]]] = [
        ("median latency", latency, format_time),
        ("temperature", [("temperature", warm)], lambda value: f"{value:.1f} °C"),
        ("CPU frequency", hertz, lambda value: f"{value / 1e6:.0f} MHz"),
    ]
    return [found for title, lines, words in given if (found := _panel(title, lines, words, middles, across, knee))]


def _panel(
    title: str,
    lines: Lines,
    words: Callable[[float], str],
    middles: Sequence[float],
    across: Axis,
    knee: float | None,
) -> Panel | None:
    known = [value for _, values in lines for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return None
    upward = _axis(known, words)
    drawn = tuple(
        Line(_points(middles, values, across, upward), name, f"tone{number % 4}")
        for number, (name, values) in enumerate(lines)
    )
    told = f"{title} over time: {words(known[0])} at first, {words(known[-1])} at last, at most {words(max(known))}"
    return Panel(title, across, upward, drawn, knee, told)


def _points(middles: Sequence[float], values: Sequence[float | None], across: Axis, upward: Axis) -> str:
    pairs = zip(middles, values, strict=True)
    return " ".join(
        f"{across.place(at):.2f},{100 - upward.place(value):.2f}"
        for at, value in pairs
        if value is not None and math.isfinite(value)
    )


def _axis(values: Sequence[float], words: Callable[[float], str]) -> Axis:
    low, high = min(values), max(values)
    margin = 0.0 if low == 0 else 0.05 * ((high - low) or abs(low) or 1.0)
    low, high = low - margin, high + margin
    ticks = [low + (high - low) * step / TICKS for step in range(TICKS + 1)]
    return Axis(low, high, tuple((tick, words(tick)) for tick in ticks))
