"""`mobile-export compare`: why an artifact grew."""

from pathlib import Path

import click

from exporter.cli.options.report import FILE, report_options
from exporter.cli.reporter import Reporter

ANY = click.Path(path_type=Path)


@click.command(name="compare")
@click.argument("before", type=ANY)
@click.argument("after", type=ANY)
@click.option("--top", type=click.IntRange(min=1), default=15, show_default=True, help="Rows of each table.")
@click.option("--treemap", type=FILE, metavar="FILE.svg", help="Draw the layers, or else the files, as a treemap.")
@report_options("compare")
def command(before: Path, after: Path, top: int, treemap: Path | None, reporter: Reporter) -> int:
    """Show why an artifact or a run grew: bytes by layer, dtype and file, largest change first.

    BEFORE and AFTER are two artifacts, packages or folders, or two run.json.
    """
    from exporter.use_cases.compare import compare

    if treemap is not None:
        reporter = reporter.also("svg", treemap)
    return reporter.report(compare(before, after), rows=top)
