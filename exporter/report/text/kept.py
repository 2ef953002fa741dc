"""Kept runs as a table."""

from exporter.data.results.history import KeptResult
from exporter.report.cells import one_line
from exporter.report.history import RUN_COLUMNS, run_row
from exporter.report.renderer import View

_WORDS = {True: "was there already", False: "kept", None: ""}


def render(result: KeptResult, view: View) -> str:
    """A line a run; a sentence where there is none."""
    if not result.rows:
        return "No run is kept there.\n"
    table = [[*RUN_COLUMNS, ""], *([*map(one_line, run_row(run)), _WORDS[there]] for run, there in result.rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "".join(f"{line.rstrip()}\n" for line in lines)
