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
@click.option("--gate", "gated", is_flag=True, help="What got worse fails, with exit code 1.")
@report_options("compare")
def command(before: Path, after: Path, top: int, treemap: Path | None, gated: bool, reporter: Reporter) -> int:
    """Show why an artifact or a run grew: bytes by layer, dtype and file, largest change first.

    BEFORE and AFTER are two artifacts, packages or folders, or two run.json. Of runs, accuracy, latency, memory and
    energy are compared too, each with its interval; what got worse is a warning, or with --gate a failure.
    """
    from exporter.use_cases.compare import compare

    if treemap is not None:
        reporter = reporter.also("svg", treemap)
    return reporter.report(compare(before, after, gated=gated), rows=top)
