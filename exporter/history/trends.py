"""Lanes through all kept runs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from exporter.data.facts.history import Figure, KeptRun, Lane, Point, Trend

ORDER = ("size", "download", "latency", "load_time", "cpu_time", "memory.peak", "memory.model", "energy.inference")


class Wanted(NamedTuple):
    """Which lanes are looked at; an empty word takes all.

    Attributes:
        model: its name.
        target: its name.
        device: a part of the place.
        metric: its name.
    """

    model: str = ""
    target: str = ""
    device: str = ""
    metric: str = ""

    def takes(self, lane: Lane) -> bool:
        """Whether a lane is wanted."""
        pairs = ((self.model, lane.model), (self.target, lane.target), (self.metric, lane.metric))
        return all(not word or word == name for word, name in pairs) and self.device in lane.place


def trends(kept: Iterable[tuple[KeptRun, Figure]], wanted: Wanted) -> tuple[Trend, ...]:
    """One trend a lane, by model, target, place and metric; without changes of level, which are looked for later.

    What a device could not be asked for knows no conditions: it stands in every lane of its figure.
    """
    lanes: dict[str, tuple[Lane, list[tuple[KeptRun, Figure]]]] = {}
    vague: list[tuple[KeptRun, Figure]] = []
    for run, figure in kept:
        lane = figure.lane.model_copy(update={"model": run.model})
        if figure.value is None and not lane.conditions and not lane.exact:
            vague.append((run, figure))
        elif wanted.takes(lane):
            lanes.setdefault(_key(lane), (lane, []))[1].append((run, figure))
    for run, figure in vague:
        _placed(lanes, run, figure, wanted)
    found = [Trend(lane=lane, points=tuple(_points(figures))) for lane, figures in lanes.values()]
    return tuple(sorted(found, key=_order))


def _key(lane: Lane) -> str:
    return lane.model_dump_json()


def _placed(
    lanes: dict[str, tuple[Lane, list[tuple[KeptRun, Figure]]]], run: KeptRun, figure: Figure, wanted: Wanted
) -> None:
    lane = figure.lane.model_copy(update={"model": run.model})
    same = [figures for known, figures in lanes.values() if _what(known) == _what(lane)]
    if not same and wanted.takes(lane):
        same = [lanes.setdefault(_key(lane), (lane, []))[1]]
    for figures in same:
        figures.append((run, figure))


def _what(lane: Lane) -> tuple[str, str, str, str]:
    return lane.model, lane.target, lane.place, lane.metric


def _points(figures: Sequence[tuple[KeptRun, Figure]]) -> Iterator[Point]:
    """In the order of time; a reading that the cache gave again is a repetition."""
    seen: dict[datetime, set[float]] = defaultdict(set)
    for run, figure in sorted(figures, key=lambda pair: (pair[0].taken_at, pair[0].digest)):
        at, value = figure.taken_at, figure.value
        repeated = at is not None and value is not None and value in seen[at]
        if at is not None and value is not None:
            seen[at].add(value)
        yield Point(run=run, figure=figure, repeated=repeated)


def _order(trend: Trend) -> tuple[str, str, int, str, str, str]:
    lane = trend.lane
    rank = ORDER.index(lane.metric) if lane.metric in ORDER else len(ORDER)
    return lane.model, lane.target, rank, lane.metric, lane.place, str(sorted(lane.conditions.items()))
