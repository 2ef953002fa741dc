"""Which points are worth a choice: none is better in both, named ones first, and what the sample cannot tell apart."""

import math
from collections.abc import Callable, Sequence

from exporter.data.base import Frozen
from exporter.data.facts.points import Point

NAMES = ("quality", "balanced", "compact")


class Choice(Frozen):
    """A named point of a target.

    Attributes:
        name: ``quality`` loses least, ``compact`` is the smallest, ``balanced`` lies farthest from the line between.
        point: the point.
        same_as: names before it that stand for the same point.
    """

    name: str
    point: Point
    same_as: tuple[str, ...] = ()


def cost_of(minimize: str) -> Callable[[Point], float | None]:
    """What a search makes small: ``size``, ``latency`` or ``energy``; None for a point that has no such reading."""
    fields = {"size": "size_bytes", "latency": "latency_s", "energy": "energy_j"}
    return lambda point: getattr(point, fields[minimize])


def front(points: Sequence[Point], minimize: str = "size") -> list[Point]:
    """Points inside every limit of which no other costs less and loses no more, the cheapest first.

    What the sample cannot tell apart stands nonetheless: `equal` says so, and `quality` takes the cheapest of these.
    """
    cost = cost_of(minimize)
    inside = [point for point in points if point.inside and cost(point) is not None and _measured(point)]
    kept: list[Point] = []
    for point in sorted(inside, key=lambda one: (cost(one) or 0.0, _loss(one))):
        if not kept or _loss(point) < _loss(kept[-1]):
            kept.append(point)
    return kept


def choices(points: Sequence[Point], minimize: str = "size") -> list[Choice]:
    """The three named points, as far as there are points inside every limit."""
    known = front(points, minimize)
    if not known:
        return []
    quality = next(point for point in known if equal(point, known[-1]))
    compact = known[0]
    named = {"quality": quality, "balanced": _knee(known, compact, quality, minimize), "compact": compact}
    found: list[Choice] = []
    for name in NAMES:
        same = tuple(one.name for one in found if one.point == named[name])
        found.append(Choice(name=name, point=named[name], same_as=same))
    return found


def equal(one: Point, other: Point) -> bool:
    """Whether the sample cannot tell their losses apart: each lies in the other's interval."""
    if one.loss is None or other.loss is None:
        return False
    return _within(one, other) and _within(other, one)


def _within(one: Point, other: Point) -> bool:
    assert one.loss is not None
    assert other.loss is not None
    return other.loss.low <= one.loss.value <= other.loss.high


def _measured(point: Point) -> bool:
    return point.loss is not None and not math.isnan(point.loss.value)


def _loss(point: Point) -> float:
    assert point.loss is not None
    return point.loss.value


def _knee(known: Sequence[Point], compact: Point, quality: Point, minimize: str) -> Point:
    """Of the points between, the one that lies farthest below the line from the smallest to the most exact."""
    cost = cost_of(minimize)
    between = [one for one in known if (cost(compact) or 0) <= (cost(one) or 0) <= (cost(quality) or 0)]
    width = (cost(quality) or 0) - (cost(compact) or 0)
    height = _loss(compact) - _loss(quality)
    if width <= 0 or height <= 0:
        return compact

    def below(point: Point) -> float:
        across = ((cost(point) or 0) - (cost(compact) or 0)) / width
        return 1 - across - (_loss(point) - _loss(quality)) / height

    return max(between, key=lambda one: (below(one), -(cost(one) or 0)))
