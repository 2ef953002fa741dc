"""What a search found, as Markdown: the answer and the points of each target."""

from collections.abc import Iterator

from exporter.data.results.search import SearchResult
from exporter.report.cells import markdown_cell, markdown_table
from exporter.report.renderer import View
from exporter.report.search import Answer, answer, rows, table


def search_markdown(result: SearchResult, view: View) -> str:
    """A sentence a target, then its front and as many points off it as there is room for."""
    return "\n".join(_lines(result, view.rows))


def _lines(result: SearchResult, most: int) -> Iterator[str]:
    yield from (f"## {markdown_cell(result.title)}", "")
    for name in result.targets:
        yield from (_sentence(answer(name, result)), "")
    yield from (f"note: {markdown_cell(note)}\n" for note in result.notes)
    for name in result.targets:
        yield from _points(name, result, most)


def _sentence(found: Answer) -> str:
    shape = f" {markdown_cell(found.shape)}." if found.shape else ""
    return f"{'✅' if found.choice else '❌'} **{markdown_cell(found.sentence)}**{shape}"


def _points(name: str, result: SearchResult, most: int) -> Iterator[str]:
    known = rows(name, result)
    if not known:
        return
    shown = max(most, sum(row.place == "front" for row in known))
    yield from (f"### {markdown_cell(name)}", "")
    titles, lines = table(known)
    yield from markdown_table([title.removeprefix(">") for title in titles], lines[:shown])
    yield ""
    if len(known) > shown:
        yield f"{len(known) - shown} points more; -f json has them all.\n"
