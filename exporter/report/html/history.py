"""Trends of kept runs as the page shows them: a plot a figure, changes of level as lines with their commits."""

from collections.abc import Mapping, Sequence
from typing import Any

from exporter.data.facts.history import Lane, LevelChange, Point, Trend
from exporter.data.results.history import GateResult, HistoryResult
from exporter.data.units import format_size, format_time
from exporter.report.history import (
    COLUMNS,
    amount_words,
    change_words,
    figure_words,
    grouped,
    missing_words,
    point_words,
    trend_row,
    value_words,
)
from exporter.report.html.plots.axes import Axis, value_axis
from exporter.report.html.plots.field import Field, Line, Spot
from exporter.report.renderer import View

POINT_COLUMNS = (("run", False), ("commit", False), ("value", True), ("", False))
_TICKS = 5


def facts(result: HistoryResult | GateResult, view: View) -> dict[str, Any]:
    """What the template of trends needs."""
    limits = _limits(result)
    return {
        "columns": [(name.removeprefix(">"), name.startswith(">")) for name in COLUMNS[:-1]],
        "point_columns": POINT_COLUMNS,
        "groups": [
            {
                "title": title,
                "rows": [trend_row(trend)[:-1] for trend in trends],
                "trends": [_trend(trend, limits) for trend in trends],
            }
            for title, trends in grouped(result.trends)
        ],
        **_hero(result),
    }


def _hero(result: HistoryResult | GateResult) -> dict[str, Any]:
    if isinstance(result, GateResult):
        return {}
    worse, better = (
        sum(change.worse is which for trend in result.trends for change in trend.changes) for which in (True, False)
    )
    said = [
        f"{count} change{'' if count == 1 else 's'} for the {word}"
        for count, word in ((worse, "worse"), (better, "better"))
    ]
    return {"outcome": f"{len(result.runs)} runs, {len(result.trends)} figures: {', '.join(said)}", "counts": {}}


def _limits(result: HistoryResult | GateResult) -> dict[tuple[str, str], float]:
    return {(one.subject, one.metric): one.limit for one in result.verdicts if one.limit is not None}


def _trend(trend: Trend, limits: Mapping[tuple[str, str], float]) -> dict[str, Any]:
    lane = trend.lane
    title = f"{figure_words(lane)}{f' on {lane.place}' if lane.place else ''}"
    limit = limits.get((lane.subject, f"regression.{lane.metric}"))
    return {
        "title": title,
        "plot": _plot(trend, title, limit),
        "changes": [("bad" if one.worse else "", change_words(lane, one)) for one in trend.changes],
        "remarks": [*missing_words(trend), *filter(None, [trend.note])],
        "points": [_row(lane, point) for point in reversed(trend.points)],
    }


def _row(lane: Lane, point: Point) -> list[str]:
    run = point.run
    commit = run.revision.words if run.revision else "not known"
    why = "the cache gave an earlier reading again" if point.repeated else point.figure.reason
    return [f"{run.taken_at:%Y-%m-%d %H:%M} UTC", commit, value_words(lane, point), why]


def _plot(trend: Trend, title: str, limit: float | None) -> Field | None:
    drawn = [(place, point) for place, point in enumerate(trend.points) if point.figure.value is not None]
    if not drawn:
        return None
    lane = trend.lane
    x = _runs_axis(trend.points)
    values = [point.figure.value or 0.0 for _, point in drawn]
    y = _words_of(value_axis([*values, *([limit] if limit is not None else [])], []), lane)
    return Field(
        title=f"{title} by run",
        x_title="runs, the oldest first",
        y_title=figure_words(lane),
        x=x,
        y=y,
        spots=[_spot(lane, place, point, x, y) for place, point in drawn],
        across=[_line(trend, change, x) for change in trend.changes],
        level=[] if limit is None else [Line(100 - y.place(limit), "limit", "bad")],
        trace=True,
        remarks=_remarks(trend, len(drawn)),
    )


def _remarks(trend: Trend, drawn: int) -> list[str]:
    gone = len(trend.points) - drawn
    return [f"{gone} of {len(trend.points)} runs have no such figure and no mark."] if gone else []


def _spot(lane: Lane, place: int, point: Point, x: Axis, y: Axis) -> Spot:
    label = point_words(lane, point)
    look = "square" if point.repeated else "circle"
    return Spot("", label, look, "", x.place(place), 100 - y.place(point.figure.value or 0.0))


def _line(trend: Trend, change: LevelChange, x: Axis) -> Line:
    at = next(place for place, point in enumerate(trend.points) if point.run == change.at) - 0.5
    commit = change.at.revision.words if change.at.revision else "unknown commit"
    words = f"{amount_words(trend.lane, change.change)} {commit}"
    return Line(x.place(at), words, "bad" if change.worse else "")


def _runs_axis(points: Sequence[Point]) -> Axis:
    """Runs side by side, however far apart in time; some of them with their day."""
    count = len(points)
    step = max(1, -(-count // _TICKS))
    ticks = [(float(place), f"{points[place].run.taken_at:%m-%d}") for place in range(0, count, step)]
    return Axis(-0.5, max(count - 0.5, 0.5), tuple(ticks))


def _words_of(axis: Axis, lane: Lane) -> Axis:
    """With ticks that have the unit."""
    words = {"B": format_size, "s": format_time}.get(lane.unit)
    if words is None:
        return axis
    return axis._replace(ticks=tuple((value, words(value)) for value, _ in axis.ticks))
