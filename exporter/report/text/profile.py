"""What each device measured, as lines."""

from collections.abc import Iterator

from rich.console import RenderableType

from exporter.data.facts.profile_changes import ProfileChange
from exporter.data.results.commands import ProfileResults
from exporter.report.cells import one_line
from exporter.report.device_words import sweep_lines
from exporter.report.readings import profile_lines
from exporter.report.renderer import View
from exporter.report.summary import tally
from exporter.report.text.console import laid_out, words
from exporter.report.text.verdicts import verdict_items


def render(result: ProfileResults, view: View) -> str:
    """What failed, a block of lines a device, and how many gates passed."""
    if view.quiet:
        return laid_out(_failures(result, view), view)
    return laid_out(_items(result, view), view)


def _failures(result: ProfileResults, view: View) -> Iterator[RenderableType]:
    yield from (
        words(one_line(f"{one.device}: error: {one.error}"), "bold red") for one in result.profiles if one.error
    )
    yield from verdict_items(result.verdicts, view)


def _items(result: ProfileResults, view: View) -> Iterator[RenderableType]:
    yield from _failures(result, view)
    for item in result.summaries():
        if not item.error:
            yield words("\n".join(["", *map(one_line, profile_lines(item))]))
    for sweep in result.sweeps or ():
        yield words("\n".join(["", *map(one_line, sweep_lines(sweep))]))
    yield from (words(_changes(one)) for one in result.changes or ())
    yield words(tally(result.verdicts))


def _changes(change: ProfileChange) -> str:
    lines = [f"{change.title}: {change.reason or ''}".rstrip()]
    lines += [f"  {one.metric}: {one.reason}" for one in change.changes]
    return "\n".join(map(one_line, lines))
