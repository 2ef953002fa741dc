"""What a search found, as text: the answer, three named points, the front."""

from rich.console import RenderableType
from rich.table import Table

from exporter.data.facts.points import Point
from exporter.data.results.search import SearchResult
from exporter.data.units import format_size
from exporter.report.renderer import View
from exporter.report.search import Row, interval_text, rows
from exporter.report.text.console import laid_out, table, warning, words
from exporter.search.answer import answer_of, latency_text, loss_text, nearest

COLUMNS = (">", "", "variant", ">size", ">loss", "95 %", "why it was tried")


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
    return table(f"{target}: the front, then what is off it", COLUMNS, map(_cells, rows(target, result)))


def _cells(row: Row) -> list[str]:
    point = row.point
    named = ", ".join(row.names) or {"front": "", "inside": "-", "outside": "outside"}[row.place]
    same = f" (as good as {', '.join(map(str, row.equals))})" if row.equals and row.place == "front" else ""
    outside = f"; {nearest([point])}" if row.place == "outside" else ""
    return [
        str(row.number),
        named,
        point.plan.variant,
        _cost(point),
        loss_text(point.loss) if point.loss else "-",
        interval_text(point.loss) if point.loss else "",
        point.plan.why + same + outside,
    ]


def _cost(point: Point) -> str:
    """Bytes, and time where that was measured."""
    size = format_size(point.size_bytes) if point.size_bytes is not None else "-"
    return ", ".join([size, *latency_text(point)])
