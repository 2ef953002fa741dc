"""`mobile-export compare`: why an artifact grew."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from exporter.sizes.diff import Change, SizeDiff

SCHEMA_VERSION = 1
# Fused layers have the names of all that was fused into them.
NAME_LENGTH = 80
ANY = click.Path(path_type=Path)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(name="compare")
@click.argument("before", type=ANY)
@click.argument("after", type=ANY)
@click.option("-f", "--format", "output_format", type=click.Choice(["text", "json", "markdown"]), default="text",
              show_default=True)  # fmt: skip
@click.option("--top", type=click.IntRange(min=1), default=15, show_default=True, help="Rows of each table.")
@click.option("--treemap", type=FILE, metavar="FILE.svg", help="Draw the layers, or else the files, as a treemap.")
def command(before: Path, after: Path, output_format: str, top: int, treemap: Path | None) -> int:
    """Show why an artifact or a run grew: bytes by layer, dtype and file, largest change first.

    BEFORE and AFTER are two artifacts, packages or folders, or two run.json.
    """
    from exporter.cli.output import echo, write_text
    from exporter.report.html.treemap import diff_treemap
    from exporter.sizes.diff import compare_sizes

    diffs = compare_sizes(before, after)
    if output_format == "json":
        document = {"schema_version": SCHEMA_VERSION, "comparisons": [diff.model_dump(mode="json") for diff in diffs]}
        echo(json.dumps(document, indent=2) + "\n")
    else:
        echo("\n".join(_lines(diff, top, markdown=output_format == "markdown") for diff in diffs))
    if treemap is not None:
        write_text(treemap, diff_treemap(diffs) + "\n")
    return 0


def _lines(diff: "SizeDiff", top: int, *, markdown: bool) -> str:
    from exporter.data.units import format_change
    from exporter.report.text.tables import text_table

    figures = [f"size {format_change(diff.size.bytes, diff.size.before)}"]
    if diff.download is not None:
        figures.append(f"download {format_change(diff.download.bytes, diff.download.before)}")
    lines = [f"{'### ' if markdown else ''}{diff.before} -> {diff.after}: {', '.join(figures)}", ""]
    for group, changes in diff.groups.items():
        shown = [change for change in changes if change.bytes][:top]
        header = [f"by {group}", "before", "after", "change"]
        lines += text_table(header, [_row(change) for change in shown], markdown=markdown)
        changed = sum(1 for change in changes if change.bytes)
        more = f"{changed - len(shown)} more changed, " if changed > len(shown) else ""
        lines += [f"({more}{len(changes) - changed} unchanged)", ""]
    lines += [f"note: {note}" for note in diff.notes]
    return "\n".join(lines).rstrip() + "\n"


def _row(change: "Change") -> list[str]:
    from exporter.data.units import format_change, format_size
    from exporter.report.text.tables import shortened

    before = format_size(change.before) if change.before else "-"
    after = format_size(change.after) if change.after else "-"
    return [shortened(change.name, NAME_LENGTH), before, after, format_change(change.bytes, change.before)]
