"""Whether a release lost against the runs before it, by more than it may and more than runs differ anyway."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from exporter.data.facts.history import KeptRun, Lane, Trend
from exporter.data.units import format_percent
from exporter.data.verdict import Bound, Verdict
from exporter.gates.judge import judge, not_checked
from exporter.history.noise import ALPHA, Loss, loss_of

READINGS = 0.05
"""What a reading of a device may lose by default, as a share."""

BYTES = 0.01
"""Likewise a file's bytes."""

ACCURACY = 0.5
"""Likewise an accuracy in points, or a ratio in decibels."""


def tolerance_of(lane: Lane, given: Mapping[str, float]) -> float:
    """What a lane may lose: as `given` by metric, else by its kind."""
    if lane.metric in given:
        return given[lane.metric]
    if not lane.relative:
        return ACCURACY
    return BYTES if lane.exact else READINGS


def judge_trends(
    trends: Sequence[Trend], newest: Sequence[KeptRun], tolerances: Mapping[str, float], window: int
) -> list[Verdict]:
    """One verdict a lane.

    It fails where the loss is over the tolerance and over the noise; passes where it is within the tolerance; and is
    not checked in between, or where too few runs are known. False alarms of all lanes together stay within `ALPHA`
    (Bonferroni).

    Args:
        trends: of the lanes to judge.
        newest: the runs that are judged.
        tolerances: by metric, as shares or points.
        window: most runs, before the newest, that they are held against.

    Raises:
        MissingExtraError: what finds levels is not installed.
    """
    noisy = sum(not trend.lane.exact for trend in trends)
    alpha = ALPHA / max(1, noisy)
    return [_judged(trend, {run.digest for run in newest}, tolerances, window, alpha) for trend in trends]


def _judged(trend: Trend, newest: set[str], tolerances: Mapping[str, float], window: int, alpha: float) -> Verdict:
    lane, tolerance = trend.lane, tolerance_of(trend.lane, tolerances)
    own = [point for point in trend.points if point.run.digest in newest]
    now = [point.figure.value for point in own if point.figure.value is not None]
    taken = {point.figure.taken_at for point in own} - {None}
    first = min((point.run.taken_at for point in own), default=None)
    earlier = [
        point.figure.value
        for point in trend.known
        if point.run.digest not in newest
        and point.figure.taken_at not in taken
        and (first is None or point.run.taken_at <= first)
    ]
    if not now:
        reason = next((point.figure.reason for point in own), "the judged runs have no such figure")
        return _unchecked(lane, reason)
    found = loss_of(lane, [value for value in earlier if value is not None][-window:], now, alpha)
    return _unchecked(lane, found) if isinstance(found, str) else _held(lane, found, tolerance)


def _held(lane: Lane, found: Loss, tolerance: float) -> Verdict:
    least = max(tolerance, found.noise)
    lower = lane.better == "lower"
    limit = _limit(lane, found.usual, least)
    if found.loss <= least:  # what logarithms round is no loss
        limit = max(limit, found.now) if lower else min(limit, found.now)
    bound: Bound = "at most" if lower else "at least"
    words = _words(lane, found, tolerance)
    if tolerance < found.loss <= found.noise:
        advice = "it is over the tolerance and within the noise: keep more runs of this commit, or of those before"
        return _unchecked(lane, f"{words}; {advice}", limit=limit, bound=bound)
    if found.loss > least and found.newest == 1 and not lane.exact:
        words += "; one run can be an outlier: keep two more of this commit to know"
    return judge(lane.subject, _metric(lane), found.now, lane.unit, limit=limit, bound=bound, reason=f"{words}.")


def _limit(lane: Lane, usual: float, least: float) -> float:
    lower = lane.better == "lower"
    if not lane.relative:
        return usual + least if lower else usual - least
    return usual * (1 + least) if lower else usual / (1 + least)


def _words(lane: Lane, found: Loss, tolerance: float) -> str:
    which = "worse" if found.loss > 0 else "better" if found.loss < 0 else "different"
    amount = _amount(lane, abs(found.loss)) if found.loss else "not"
    noise = "" if lane.exact else f", noise {_amount(lane, found.noise)}"
    against = "the best level before" if lane.exact else f"the best level before, of {found.runs} runs"
    return f"{amount} {which} than {against}; tolerance {_amount(lane, tolerance)}{noise}"


def _amount(lane: Lane, value: float) -> str:
    if lane.relative:
        return format_percent(Fraction(value))
    return f"{value:.3g} {'points' if lane.unit == '%' else lane.unit}"


def _unchecked(lane: Lane, reason: str, limit: float | None = None, bound: Bound = "at most") -> Verdict:
    said = f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
    return not_checked(lane.subject, _metric(lane), lane.unit, said, limit=limit, bound=bound)


def _metric(lane: Lane) -> str:
    return f"regression.{lane.metric}"
