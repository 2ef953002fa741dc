"""Figures of two runs in words: accuracy and readings, with the interval of what changed."""

import math

from exporter.data.facts.diff import FigureChange
from exporter.report.summary import quantity

COLUMNS = ("figure", "on", "before", "after", "change", "interval", "")


def figure_row(one: FigureChange) -> list[str]:
    """A row of a table of `COLUMNS`."""
    return [
        one.metric,
        one.where,
        quantity(one.before, one.unit or "1"),
        quantity(one.after, one.unit or "1"),
        _change(one, one.change),
        _interval(one),
        one.reason.partition(":")[0] if one.differs is not None else one.reason,
    ]


def _change(one: FigureChange, value: float) -> str:
    if one.relative:
        return f"{value:+.1%}".replace("%", " %")
    unit = "points" if one.unit == "%" else one.unit
    return f"{value:+.3g} {unit}".rstrip()


def _interval(one: FigureChange) -> str:
    if not (math.isfinite(one.low) and math.isfinite(one.high)):
        return "not known"
    return f"{_change(one, one.low)} to {_change(one, one.high)} ({one.confidence:.0%})"
