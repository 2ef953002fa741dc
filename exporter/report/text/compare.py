"""Changes in bytes as tables of text."""

from collections.abc import Iterator

from exporter.data.facts.diff import SizeDiff
from exporter.data.results.sizes import CompareResult
from exporter.report.cells import one_line, text_table
from exporter.report.figures import figure_row
from exporter.report.renderer import View
from exporter.report.sizes import change_row, changed, header, heading, rest_words


def render(result: CompareResult, view: View) -> str:
    """A table a pair and group, the largest change first."""
    return "\n".join("\n".join(_lines(diff, view.rows)).rstrip() + "\n" for diff in result.diffs)


def _lines(diff: SizeDiff, rows: int) -> Iterator[str]:
    yield one_line(heading(diff))
    yield ""
    for group, changes in diff.groups.items():
        yield from text_table(header(group), [change_row(change) for change in changed(changes)[:rows]])
        yield rest_words(changes, rows)
        yield ""
    yield from (
        one_line("  ".join(figure_row(one))) for one in diff.figures if one.unit != "s"
    )  # speed is in the notes
    yield from (one_line(f"note: {note}") for note in diff.notes)
