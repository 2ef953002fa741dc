"""Where a figure changed its level, and which of its runs make one level.

Figures that have no noise (bytes) change wherever they differ. Others are replaced by their ranks, so that one run that
is far off counts no more than one that is just the last, and what follows is the same whatever the noise's distribution
is; `ruptures` then finds the segments (PELT, Killick, Fearnhead and Eckley, 2012) of at least `LEAST` runs by which the
ranks' spread falls by more than a penalty (Lung-Yut-Fong, Levy-Leduc and Cappe, 2015, for ranks). Found segments are
ranked and searched anew. `benchmarks/history_alarms.py` measures how often a figure without any change has one.
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from exporter.data.errors import MissingExtraError
from exporter.data.facts.history import LevelChange, Point, Trend
from exporter.execution.heavy import load
from profilers.statistics import percentile

EXTRA = "history"
LEAST = 3
"""Runs of a level: fewer are outliers."""

KNOWABLE = 10
"""Runs from which on a change can be told from noise."""


def penalty(count: int) -> float:
    """By how much the spread of `count` ranks, scaled to variance 1, must fall for one change more.

    Chosen by simulation, so that of figures without a change 1 in 60 or fewer has one, from 10 runs to 200.
    """
    return 2.8 + 2 * math.log(count)


def with_changes(trend: Trend) -> Trend:
    """`trend` with the changes of its level, or with the reason why none were looked for."""
    known = trend.known
    if not trend.lane.exact and len(known) < KNOWABLE:
        told = f"{len(known)} run{'' if len(known) == 1 else 's'} with a reading: changes can be told from noise from"
        return trend.model_copy(update={"note": f"{told} {KNOWABLE} on"})
    try:
        starts = starts_of([point.figure.value or 0.0 for point in known], exact=trend.lane.exact)
    except MissingExtraError as error:
        return trend.model_copy(update={"note": f"changes were not looked for: {error}"})
    return trend.model_copy(update={"changes": tuple(_changes(trend, starts))})


def starts_of(values: Sequence[float], *, exact: bool) -> list[int]:
    """Places of the values with which a new level begins, without the first.

    Raises:
        MissingExtraError: there is noise, and `ruptures` is not installed.
    """
    if exact:
        return [place for place in range(1, len(values)) if values[place] != values[place - 1]]
    return _segments(values, 0)


def segments(values: Sequence[float], *, exact: bool) -> list[Sequence[float]]:
    """`values` by level; see `starts_of`."""
    starts = [0, *starts_of(values, exact=exact), len(values)]
    return [values[first:last] for first, last in itertools.pairwise(starts)]


def _segments(values: Sequence[float], offset: int) -> list[int]:
    if len(values) < KNOWABLE or min(values) == max(values):
        return []
    found = [int(place) for place in _detector().fit(_ranks(values)).predict(pen=penalty(len(values)))[:-1]]
    if not found:
        return []
    edges = [0, *found, len(values)]
    inner = [_segments(values[first:last], offset + first) for first, last in itertools.pairwise(edges)]
    return sorted([*(offset + place for place in found), *(place for part in inner for place in part)])


def _detector() -> Any:
    return load("ruptures", extra=EXTRA).KernelCPD(kernel="linear", min_size=LEAST)


def _ranks(values: Sequence[float]) -> Any:
    """Equal values share the mean of their ranks; scaled to mean 0 and variance 1."""
    import numpy as np

    counts = Counter(values)
    below, ranks = 0, {}
    for value in sorted(counts):
        ranks[value] = below + (counts[value] + 1) / 2
        below += counts[value]
    column = np.array([[ranks[value]] for value in values])
    return (column - column.mean()) / column.std()


def _changes(trend: Trend, starts: Sequence[int]) -> list[LevelChange]:
    known = trend.known
    edges = [0, *starts, len(known)]
    middles = [_middle(known[first:last]) for first, last in itertools.pairwise(edges)]
    return [
        _change(trend, known[start - 1], known[start], before, after)
        for start, before, after in zip(starts, middles, middles[1:], strict=False)
    ]


def _middle(points: Sequence[Point]) -> float:
    return percentile([point.figure.value or 0.0 for point in points], 50)


def _change(trend: Trend, last: Point, first: Point, before: float, after: float) -> LevelChange:
    relative = trend.lane.relative and before != 0
    return LevelChange(
        at=first.run,
        previous=last.run,
        before=before,
        after=after,
        change=after / before - 1 if relative else after - before,
        worse=(after > before) == (trend.lane.better == "lower"),
    )
