"""The points of a search in the order in which they are read, for every renderer that shows them."""

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from exporter.data.facts.points import Loss, Point
from exporter.data.results.search import SearchResult
from exporter.data.units import format_size
from exporter.data.verdict import Verdict
from exporter.report.summary import quantity
from exporter.search.answer import answer_of, latency_text, loss_text, shape
from exporter.search.front import Choice, choices, equal, front

Place = Literal["front", "inside", "outside"]
COLUMNS = (">", ">size", ">download", ">loss", ">95 %", ">latency", ">energy", "as good as", "named")


class Row(NamedTuple):
    """A point of a target.

    Attributes:
        number: from 1, along the front, then what is inside every limit, then what is not.
        names: those of the choices that it is.
        equals: numbers of points of the front whose losses the sample cannot tell from its own.
    """

    number: int
    point: Point
    place: Place
    names: tuple[str, ...]
    equals: tuple[int, ...]


class Answer(NamedTuple):
    """What is said of a target.

    Attributes:
        sentence: what to take, or what would have to give.
        shape: how the weights of what is to be taken are stored; empty where nothing is to be taken.
    """

    sentence: str
    shape: str
    choice: Choice | None


def answer(target: str, result: SearchResult) -> Answer:
    """The answer of `exporter.search.answer`, with the weights apart."""
    sentence, choice = answer_of(target, result.of(target), result.minimize)
    if choice is None:
        return Answer(sentence, "", None)
    weights = shape(choice.point)
    return Answer(f"{sentence.removesuffix(f'; {weights}')}.", weights, choice)


def rows(target: str, result: SearchResult) -> list[Row]:
    """Every point of a target."""
    points, minimize = result.of(target), result.minimize or "size"
    known = front(points, minimize)
    rest = [point for point in points if point not in known]
    ordered = [*known, *(one for one in rest if one.inside), *(one for one in rest if not one.inside)]
    names: dict[str, tuple[str, ...]] = {}
    for choice in choices(points, minimize):
        names[choice.point.plan.key] = (*names.get(choice.point.plan.key, ()), choice.name)
    return [
        Row(number, point, _place(point, known), names.get(point.plan.key, ()), tuple(_equals(point, known)))
        for number, point in enumerate(ordered, 1)
    ]


def _place(point: Point, known: Sequence[Point]) -> Place:
    if point in known:
        return "front"
    return "inside" if point.inside else "outside"


def _equals(point: Point, known: Sequence[Point]) -> Iterator[int]:
    return (number for number, one in enumerate(known, 1) if one is not point and equal(point, one))


def cells(row: Row) -> list[str]:
    """What `COLUMNS` are the titles of."""
    point = row.point
    return [
        f"{row.number}",
        format_size(point.size_bytes) if point.size_bytes is not None else "-",
        format_size(point.download_bytes) if point.download_bytes is not None else "-",
        loss_text(point.loss) if point.loss else "-",
        interval_text(point.loss) if point.loss else "-",
        ", ".join(latency_text(point)) or "-",
        quantity(point.energy_j, "J") if point.energy_j is not None else "-",
        ", ".join(map(str, row.equals)),
        ", ".join(row.names) or ("" if row.place == "front" else row.place),
    ]


def table(known: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Titles and cells of the points, without the columns in which no point has anything."""
    lines = [cells(row) for row in known]
    told = [place for place in range(len(COLUMNS)) if any(line[place] not in ("", "-") for line in lines)]
    return [COLUMNS[place] for place in told], [[line[place] for place in told] for line in lines]


def interval_text(loss: Loss) -> str:
    """The 95 % interval, signed as the figure is."""
    return f"{0 - loss.high:+.2f} to {0 - loss.low:+.2f}"


def limit_of(metric: str, points: Sequence[Point]) -> float | None:
    """What a metric of the points is held to; None where it is held to nothing."""
    found = (one for point in points for one in point.verdicts if one.metric == metric and one.severity == "error")
    return next((one.limit for one in found if one.limit is not None), None)


def loss_limit(points: Sequence[Point]) -> float | None:
    """The most that may be lost, in the loss's unit: of the verdict that goes by the same figure at every point."""
    metrics = dict.fromkeys(one.metric for point in points for one in point.verdicts if one.severity == "error")
    for metric in metrics:
        pairs = [(point.loss, one) for point in points if point.loss for one in point.verdicts if one.metric == metric]
        found = [_as_loss(one, loss) for loss, one in pairs if one.value is not None]
        if found and None not in found:
            return found[0]
    return None


def _as_loss(verdict: Verdict, loss: Loss) -> float | None:
    """The limit as a loss; None where the verdict is of another figure."""
    assert verdict.value is not None
    if verdict.limit is None:
        return None
    if verdict.bound == "at most" and verdict.unit == (loss.unit or "1"):
        return verdict.limit if math.isclose(verdict.value, loss.value, abs_tol=1e-6) else None
    share = verdict.bound == "at least" and verdict.unit == "1" and loss.unit == "points"
    same = share and math.isclose(100 * (1 - verdict.value), loss.value, abs_tol=1e-6)
    return 100 * (1 - verdict.limit) if same else None
