"""Whether the newest runs are worse than those before by more than runs differ anyway.

Earlier runs are told by their median and by Q_n (Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation",
1993), of which half the runs may be outliers; the newest by their median, so that of three runs one may be. The bound
is that of a mean of m further observations after n (Hahn and Meeker, "Statistical Intervals", 1991, section 4.8), with
what medians vary by, and with t of as many degrees as Q_n is worth. `benchmarks/history_alarms.py` measures the false
alarms; one newest run alone cannot be told from an outlier.
"""

import itertools
import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from exporter.data.facts.history import Lane
from exporter.history.levels import segments
from profilers.distributions import t_quantile
from profilers.statistics import percentile, variance

LEAST_RUNS = 5
"""Earlier runs of a level from which on its noise is known well enough to call anything a regression."""

ALPHA = 0.05
"""Of false alarms of a whole gate, whatever the number of its figures is."""


class Loss(NamedTuple):
    """How much worse the newest runs are, as a share of what was usual, or in points.

    Attributes:
        usual: of the earlier runs, in the figure's unit.
        now: of the newest, likewise.
        loss: above 0 where it is worse.
        noise: most that runs without any change differ by, at the asked rate of false alarms.
        runs: earlier runs that it is held against.
        newest: runs that are held against them.
    """

    usual: float
    now: float
    loss: float
    noise: float
    runs: int
    newest: int


def loss_of(lane: Lane, earlier: Sequence[float], newest: Sequence[float], alpha: float) -> Loss | str:
    """The loss of `newest` against the best level of `earlier`, or why nothing can be said.

    Against the best level, not the last: a regression that came in three runs ago is one still. Of what changes by a
    share, logarithms are taken. What has no noise is held against the best of all.

    Args:
        lane: what the figures are of.
        earlier: of earlier runs, in the order of time.
        newest: of the newest, one or several.
        alpha: most false alarms.

    Raises:
        MissingExtraError: `ruptures`, which finds levels, is not installed.
    """
    if lane.relative and min(*earlier, *newest, 1.0) <= 0:
        return "a figure is not above 0"
    if len(earlier) < (1 if lane.exact else LEAST_RUNS):
        return _too_few(lane, len(earlier))
    level = _best(lane, [one for one in segments(earlier, exact=lane.exact) if lane.exact or len(one) >= LEAST_RUNS])
    if lane.exact and level is not None:
        return _exact(lane, level[0], newest)
    if level is None:
        return f"no level of the earlier runs has {LEAST_RUNS} of them: their noise is not known"
    before, after = ([_scaled(lane, value) for value in values] for values in (level, newest))
    then, now = percentile(before, 50), percentile(after, 50)
    loss = now - then if lane.better == "lower" else then - now
    noise = noise_of(before, len(after), alpha)
    return Loss(
        _unscaled(lane, then), _unscaled(lane, now), _share(lane, loss), _share(lane, noise), len(level), len(newest)
    )


def _exact(lane: Lane, usual: float, newest: Sequence[float]) -> Loss:
    lower = lane.better == "lower"
    now = max(newest) if lower else min(newest)
    loss = (now - usual if lower else usual - now) / (abs(usual) if lane.relative else 1.0)
    return Loss(usual, now, loss, 0.0, 1, len(newest))


def _too_few(lane: Lane, count: int) -> str:
    if lane.exact:
        return "no earlier run has it"
    return f"{count} earlier run{'' if count == 1 else 's'} with a reading; the noise is known from {LEAST_RUNS} on"


def _best(lane: Lane, levels: Sequence[Sequence[float]]) -> Sequence[float] | None:
    choose = min if lane.better == "lower" else max
    return choose(levels, key=lambda level: percentile(level, 50), default=None)


def noise_of(before: Sequence[float], count: int, alpha: float) -> float:
    """What the median of `count` further values is above that of `before` with probability `alpha` at most."""
    return _factor(1 - 2 * alpha, len(before)) * spread(before) * math.sqrt(_varies(count) + _varies(len(before)))


@cache
def _factor(confidence: float, count: int) -> float:
    return t_quantile(confidence, _WORTH * (count - 1))


def spread(values: Sequence[float]) -> float:
    """The standard deviation by Q_n; by its definition where most values are equal, and Q_n is 0."""
    count = len(values)
    half = count // 2 + 1
    distances = sorted(abs(first - second) for first, second in itertools.combinations(values, 2))
    found = distances[half * (half - 1) // 2 - 1]
    small = _SMALL.get(count) or (count / (count + 1.4) if count % 2 else count / (count + 3.8))
    return 2.2219 * small * found or math.sqrt(variance(values))


_SMALL = {5: 0.844, 6: 0.611, 7: 0.857, 8: 0.669, 9: 0.872}
"""Of Q_n for few values; Croux and Rousseeuw, "Time-efficient algorithms for two highly robust estimators", 1992."""

_WORTH = 0.6
"""Degrees of freedom of Q_n for each of a standard deviation; by simulation, so that alarms of normal noise hold."""


def _varies(count: int) -> float:
    """The variance of the median of so many normal values; of one or two it is their mean."""
    return (1.0 if count <= 2 else math.pi / 2) / count


def _scaled(lane: Lane, value: float) -> float:
    return math.log(value) if lane.relative else value


def _unscaled(lane: Lane, value: float) -> float:
    return math.exp(value) if lane.relative else value


def _share(lane: Lane, difference: float) -> float:
    """Of what was usual, where changes are told so."""
    return math.expm1(difference) if lane.relative else difference
