"""Kept runs as results: with one text wherever a user's text can stand, and as people have them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from exporter.data.facts.history import Figure, KeptRun, Lane, LevelChange, Point, Trend
from exporter.data.facts.revision import Revision
from exporter.data.results.history import GateResult, HistoryResult, KeptResult
from exporter.data.verdict import Verdict
from tests.exporter.report.samples import verdict
from tests.exporter.typical import NOW

TAKEN = datetime(2026, 11, 26, 21, 0, tzinfo=UTC)
LATENCY_S = 0.25


def history_of(text: str) -> HistoryResult:
    """Two runs, one without a reading."""
    return HistoryResult(Path("h"), *_history(text))


def gate_of(text: str, verdicts: list[Verdict]) -> GateResult:
    """The same, judged."""
    runs, found = _history(text)
    return GateResult(Path("h"), runs, found, runs, tuple(verdicts), 1)


def kept_of(text: str) -> KeptResult:
    """A run that is listed, and one that was there."""
    return KeptResult(Path("h"), ((_kept(text), None), (_kept(text), True)))


def _kept(text: str) -> KeptRun:
    revision = Revision(commit=text, dirty=True)
    return KeptRun(digest="0" * 64, kind="run", model=text, taken_at=TAKEN, revision=revision)


def _history(text: str) -> tuple[tuple[KeptRun, ...], tuple[Trend, ...]]:
    run = _kept(text)
    lane = Lane(model=text, target=text, place=f"R5CT123{text}", metric="latency", unit="s", conditions={text: text})
    values = (Figure(lane=lane, value=LATENCY_S, low=0.2, high=0.3), Figure(lane=lane, value=None, reason=text))
    change = LevelChange(at=run, previous=run, before=0.2, after=LATENCY_S, change=0.25, worse=True)
    points = tuple(Point(run=run, figure=figure) for figure in values)
    return (run,), (Trend(lane=lane, points=points, changes=(change,), note=text),)


def history() -> HistoryResult:
    """Forty runs of one target: bytes that grew once, and a latency that grew, was off once and missing once."""
    runs = tuple(
        KeptRun(
            digest=f"{place:064x}",
            kind="run",
            model="torchvision:mobilenet_v2",
            taken_at=NOW + timedelta(days=place),
            revision=Revision(commit=f"{place:040x}"[::-1], dirty=place == 39),
        )
        for place in range(40)
    )
    size = Lane(model=runs[0].model, target="phone", place="", metric="size", unit="B", exact=True)
    latency = size.model_copy(update={"metric": "latency", "unit": "s", "exact": False, "place": "R5CT123"})
    sizes = [3_400_000.0 if place < 25 else 3_600_000.0 for place in range(40)]
    times = [
        0.006 * (1.15 if place > 17 else 1.0) * (1.3 if place == 9 else 1 + place % 3 / 100) for place in range(40)
    ]
    return HistoryResult(Path("runs.sqlite"), runs, (_trend(runs, size, sizes, 25), _trend(runs, latency, times, 18)))


def _trend(runs: Sequence[KeptRun], lane: Lane, values: Sequence[float], at: int) -> Trend:
    figures = [
        Figure(lane=lane, value=None, reason="R5CT123 was unplugged")
        if place == 30 and not lane.exact
        else Figure(lane=lane, value=value, low=0.99 * value, high=1.01 * value)
        for place, value in enumerate(values)
    ]
    points = tuple(
        Point(run=run, figure=figure, repeated=place == 31)
        for place, (run, figure) in enumerate(zip(runs, figures, strict=True))
    )
    before, after = values[at - 1], values[at]
    change = LevelChange(
        at=runs[at], previous=runs[at - 1], before=before, after=after, change=after / before - 1, worse=True
    )
    return Trend(lane=lane, points=points, changes=(change,))


def gate() -> GateResult:
    """The newest of these runs, which failed."""
    found = history()
    subjects = [trend.lane.subject for trend in found.trends]
    judged = (
        verdict(subject=subjects[0], metric="regression.size", value=3.6e6, limit=3.434e6),
        verdict(subject=subjects[1], metric="regression.latency", value=0.0070, unit="s", limit=0.0063),
    )
    return GateResult(found.place, found.runs, found.trends, found.runs[-1:], judged, 1)
