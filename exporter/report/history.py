"""Trends of kept runs in words: the same in every format."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby

from exporter.data.facts.history import KeptRun, Lane, LevelChange, Point, Trend
from exporter.data.units import format_bytes, format_percent
from exporter.report.summary import quantity

COLUMNS = ("figure", "on", ">runs", ">first", ">newest", ">change", "newest run", "trend")
RUN_COLUMNS = ("RUN", "MODEL", "TAKEN", "COMMIT", "KIND")
_BLOCKS = "▁▂▃▄▅▆▇█"
DRAWN = 20
"""Newest runs in a trend of blocks."""


def grouped(trends: Sequence[Trend]) -> Iterator[tuple[str, list[Trend]]]:
    """Trends by model and target, each with the words for both."""
    for words, found in groupby(trends, key=lambda trend: f"{trend.lane.model}, {trend.lane.target}"):
        yield words, list(found)


def figure_words(lane: Lane) -> str:
    """The figure's name, with the conditions that do not go without saying."""
    return f"{lane.metric}{lane.told}"


def trend_row(trend: Trend) -> list[str]:
    """A row of a table of `COLUMNS`."""
    known = [point for point in trend.points if point.figure.value is not None]
    newest = trend.points[-1]
    return [
        figure_words(trend.lane),
        trend.lane.place or "-",
        str(len(known)),
        value_words(trend.lane, known[0]) if known else "-",
        value_words(trend.lane, newest),
        _total(trend.lane, known),
        newest.run.words,
        _drawn([point.figure.value or 0.0 for point in known[-DRAWN:]]),
    ]


def value_words(lane: Lane, point: Point) -> str:
    """A value with its unit, or that there is none."""
    value = point.figure.value
    if value is None:
        return "unavailable"
    return format_bytes(value) if lane.exact else reading_words(value, lane.unit)


def reading_words(value: float, unit: str) -> str:
    """A figure with its unit; energies of inferences are thousandths."""
    return f"{value * 1e3:.4g} mJ" if unit == "J" else quantity(value, unit)


def point_words(lane: Lane, point: Point) -> str:
    """Everything about a point."""
    figure = point.figure
    said = [f"{value_words(lane, point)} at {point.run.words}"]
    if figure.low is not None and figure.high is not None:
        said.append(f"{reading_words(figure.low, lane.unit)} to {reading_words(figure.high, lane.unit)} within the run")
    if point.repeated:
        said.append("the same reading as of an earlier run, by the cache")
    return "; ".join([*said, *filter(None, [figure.reason])])


def missing_words(trend: Trend) -> list[str]:
    """Why the newest runs have no figure, one sentence a reason."""
    gone = [point for point in trend.points if point.figure.value is None]
    reasons = dict.fromkeys(point.figure.reason for point in gone)
    counts = {reason: [point for point in gone if point.figure.reason == reason] for reason in reasons}
    return [
        f"{figure_words(trend.lane)} is unavailable in {len(points)} of {len(trend.points)} runs, "
        f"last at {points[-1].run.words}: {reason}"
        for reason, points in counts.items()
    ]


def change_words(lane: Lane, change: LevelChange) -> str:
    """What changed, by how much, when and by what."""
    which = "worse" if change.worse else "better"
    ends = [format_bytes(value) if lane.exact else reading_words(value, lane.unit) for value in _ends(change)]
    where = f" on {lane.place}" if lane.place else ""
    return (
        f"{figure_words(lane)}{where}: {amount_words(lane, change.change)}, {which} ({ends[0]} to {ends[1]}), "
        f"{change.made_by}, {change.at.taken_at:%Y-%m-%d %H:%M} UTC"
    )


def _ends(change: LevelChange) -> tuple[float, float]:
    return change.before, change.after


def amount_words(lane: Lane, amount: float) -> str:
    """A change with its sign: a share, or points."""
    if lane.relative:
        return format_percent(Fraction(amount), sign=True)
    return f"{amount:+.3g} {'points' if lane.unit == '%' else lane.unit}"


def run_row(run: KeptRun) -> list[str]:
    """A row of a table of `RUN_COLUMNS`."""
    commit = run.revision.words if run.revision else "-"
    return [run.digest[:12], run.model, f"{run.taken_at:%Y-%m-%d %H:%M} UTC", commit, run.kind]


def _total(lane: Lane, known: Sequence[Point]) -> str:
    """From the first run to the newest."""
    if len(known) < 2:
        return ""
    first, last = known[0].figure.value or 0.0, known[-1].figure.value or 0.0
    if first == last:
        return "none"
    return amount_words(lane, last / first - 1 if lane.relative and first else last - first)


def _drawn(values: Sequence[float]) -> str:
    """Blocks as high as the values, from the least to the largest."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    if low == high:
        return _BLOCKS[0] * len(values)
    return "".join(_BLOCKS[round((value - low) / (high - low) * (len(_BLOCKS) - 1))] for value in values)
