"""Sizes and their changes in words: rows and headings of tables, the same in every format."""

from collections.abc import Sequence

from exporter.data.facts.diff import Change, Group, SizeDiff
from exporter.data.results.sizes import SizeRow
from exporter.data.units import format_change, format_size
from exporter.report.cells import shortened

# Fused layers have the names of all that was fused into them.
NAME_LENGTH = 80


def size_cells(row: SizeRow) -> list[str]:
    """Download and install, each with its change."""
    return [
        size_cell(row.download, estimated=row.estimated),
        change_cell(row.download, row.download_before),
        size_cell(row.install, estimated=row.estimated),
        change_cell(row.install, row.install_before),
    ]


def size_cell(size: int | None, *, estimated: bool = False) -> str:
    """A size for a table."""
    if size is None:
        return "unavailable"
    return f"{'~' if estimated else ''}{format_size(size)}"


def change_cell(now: int | None, before: int | None) -> str:
    """A change for a table; empty without a baseline."""
    if now is None or before is None:
        return ""
    return "no change" if now == before else format_change(now - before, before)


def heading(diff: SizeDiff) -> str:
    """What was compared, and how the whole changed."""
    figures = [f"size {format_change(diff.size.bytes, diff.size.before)}"]
    if diff.download is not None:
        figures.append(f"download {format_change(diff.download.bytes, diff.download.before)}")
    return f"{diff.before} -> {diff.after}: {', '.join(figures)}"


def header(group: Group) -> list[str]:
    """Of a table of changes."""
    return [f"by {group}", "before", "after", "change"]


def changed(changes: Sequence[Change]) -> list[Change]:
    """Those that are a change at all."""
    return [change for change in changes if change.bytes]


def rest_words(changes: Sequence[Change], rows: int) -> str:
    """What a table of so many rows leaves out."""
    count = len(changed(changes))
    more = f"{count - rows} more changed, " if count > rows else ""
    return f"({more}{len(changes) - count} unchanged)"


def change_row(change: Change) -> list[str]:
    """Name, before, after, change."""
    before = format_size(change.before) if change.before else "-"
    after = format_size(change.after) if change.after else "-"
    return [shortened(change.name, NAME_LENGTH), before, after, format_change(change.bytes, change.before)]
