"""What a search found, as text: the answer, three named points, the front."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from exporter.data.facts.points import Point
from exporter.data.results.search import SearchResult
from exporter.data.units import format_size
from exporter.report.renderer import View
from exporter.report.text.console import laid_out, table, warning, words
from exporter.search.answer import answer_of, latency_text, loss_text, nearest
from exporter.search.front import choices, equal, front

COLUMNS = ("", "variant", ">size", ">loss", "95 %", "why it was tried")


def render(result: SearchResult, view: View) -> str:
    """A sentence a target, then its points."""
    answers = [answer_of(name, result.of(name), result.minimize)[0] for name in result.targets]
    items: list[RenderableType] = [words(answer) for answer in answers]
    items += [warning(result.model, note) for note in result.notes]
    items += [_points(name, result) for name in result.targets if result.of(name)]
    if result.unfinished:
        items.append(warning(result.model, "the time was up before everything was tried; --resume goes on."))
    return laid_out([*items, words(f"Study: {result.folder}")], view)


def _points(target: str, result: SearchResult) -> Table:
    points = result.of(target)
    known = front(points, result.minimize or "size")
    names: dict[str, list[str]] = {}
    for choice in choices(points, result.minimize or "size"):
        names.setdefault(choice.point.plan.key, []).append(choice.name)
    rest = [point for point in points if point not in known]
    return table(f"{target}: the front, then what is off it", COLUMNS, _rows(known, rest, names))


def _rows(known: Sequence[Point], rest: Sequence[Point], names: dict[str, list[str]]) -> Iterator[list[str]]:
    for place, point in enumerate(known):
        same = place > 0 and equal(point, known[place - 1])
        yield _row(point, ", ".join(names.get(point.plan.key, ())), " (as good as the one above)" if same else "")
    for point in rest:
        yield _row(point, "-" if point.inside else "outside", "")


def _row(point: Point, name: str, remark: str) -> list[str]:
    loss = point.loss
    interval = f"{-loss.high:+.2f} to {-loss.low:+.2f}" if loss else ""
    outside = f"; {nearest([point])}" if not point.inside else ""
    return [
        name,
        point.plan.variant,
        _cost(point),
        loss_text(loss) if loss else "-",
        interval,
        point.plan.why + remark + outside,
    ]


def _cost(point: Point) -> str:
    """Bytes, and time where that was measured."""
    size = format_size(point.size_bytes) if point.size_bytes is not None else "-"
    return ", ".join([size, *latency_text(point)])
