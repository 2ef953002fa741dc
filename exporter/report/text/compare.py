"""Changes in bytes as tables of text."""

from collections.abc import Iterator

from exporter.data.facts.diff import SizeDiff
from exporter.data.results.sizes import CompareResult
from exporter.report.cells import one_line, text_table
from exporter.report.figures import figure_row
from exporter.report.renderer import View
from exporter.report.sizes import change_row, changed, header, heading, rest_words
from exporter.report.text.console import laid_out, words
from exporter.report.text.verdicts import verdict_items


def render(result: CompareResult, view: View) -> str:
    """A table a pair and group, the largest change first; where it is quiet, how the whole changed."""
    if view.quiet:
        whole = [words(one_line(heading(diff))) for diff in result.diffs]
        return laid_out([*verdict_items(result.verdicts, view), *whole], view)
    judged = laid_out(verdict_items(result.verdicts, view), view).rstrip()
    blocks = (laid_out(map(words, _lines(diff, view)), view).rstrip() for diff in result.diffs)
    return "\n\n".join(filter(None, [*blocks, judged])) + "\n"


def _lines(diff: SizeDiff, view: View) -> Iterator[str]:
    yield one_line(heading(diff))
    yield ""
    for group, changes in diff.groups.items():
        yield from text_table(
            header(group), [change_row(change) for change in changed(changes)[: view.rows]], view.columns
        )
        yield rest_words(changes, view.rows)
        yield ""
    yield from (
        one_line("  ".join(figure_row(one))) for one in diff.figures if not one.relative
    )  # readings are in the notes
    yield from (one_line(f"note: {note}") for note in diff.notes)
