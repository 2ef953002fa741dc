"""Axes of plots: places in percent, so that a plot is as wide as its page is."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from exporter.data.units import format_time

_STEPS = (1, 2, 2.5, 5, 10)
_TICKS = 5
_MARGIN = 0.08
_NEAR = 1.25
"""Marks up to so many times the largest point widen the axis; others stand at its end, with an arrow."""
_LEAST_S = 1e-9
_FAR = 2.0
"""Points whose loss lies so many widths of all others below them stand at the bottom."""


class Axis(NamedTuple):
    """What a plot shows of a quantity.

    Attributes:
        low: where it begins.
        high: where it ends.
        ticks: round values between, and how each is written.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Percent from the beginning, of what is shown."""
        return 100 * min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def beyond(self, value: float) -> bool:
        """Whether it is not shown."""
        return not self.low <= value <= self.high


def cost_axis(points: Sequence[float], marks: Sequence[float], words: Callable[[float], str]) -> Axis:
    """Of sizes, times or energies: all `points`, and those of `marks` that are near them."""
    low, largest = min(points), max(points)
    high = max([largest, *(mark for mark in marks if mark <= _NEAR * largest)])
    return _axis(min([low, *(mark for mark in marks if _NEAR * mark >= low)]), high, words)


def change_axis(core: Sequence[float], all_values: Sequence[float]) -> Axis:
    """Of changes of a figure: all of `core`, and of the others what does not press those together."""
    low, high = min(core), max(core)
    floor = low - _FAR * ((high - low) or 1.0)
    return _axis(
        min([low, *(value for value in all_values if value >= floor)]),
        high,
        lambda value: f"{value:+.4g}" if value else "0",
    )


def value_axis(values: Sequence[float], marks: Sequence[float], unit: str = "") -> Axis:
    """Of a figure: all `values`, and of `marks` what does not press those together."""
    low, high = min(values), max(values)
    room = (high - low) or abs(high) * _MARGIN or 1.0
    near = [mark for mark in marks if low - room <= mark <= high + room]
    return _axis(min([low, *near]), max([high, *near]), lambda value: f"{value:.4g}{unit}")


def time_axis(low: float, high: float) -> Axis:
    """Of latencies from `low` to `high`, wide enough that what is nearly equal looks so."""
    high = max(high, low + max(abs(low) * _MARGIN, _LEAST_S))
    step = _step((high - low) / _TICKS)
    first, last = math.ceil(low / step), math.floor(high / step)
    return Axis(low, high, tuple((step * number, format_time(step * number)) for number in range(first, last + 1)))


def _axis(low: float, high: float, words: Callable[[float], str]) -> Axis:
    margin = _MARGIN * (high - low) or abs(high) * _MARGIN or 1.0
    low, high = low - margin, high + margin
    step = _step((high - low) / _TICKS)
    first, last = math.ceil(low / step), math.floor(high / step)
    return Axis(low, high, tuple((step * number, words(step * number)) for number in range(first, last + 1)))


def _step(least: float) -> float:
    """The least round number that is no smaller."""
    power: float = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * 0.999)
