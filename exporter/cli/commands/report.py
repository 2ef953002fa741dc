"""`mobile-export report`: render a record again."""

from pathlib import Path

import click

from exporter.cli.options.report import report_options
from exporter.cli.reporter import Reporter


@click.command(name="report")
@click.argument("run_json", type=click.Path(path_type=Path))
@click.option(
    "--baseline", type=click.Path(path_type=Path), metavar="RUN.JSON", help="html: draw what grew since then."
)
@report_options("run")
def command(run_json: Path, baseline: Path | None, reporter: Reporter) -> int:
    """Show a run.json again: as tables, as JSON of the current schema, as a page, or as a report for CI.

    The exit code is the one that the run had.
    """
    from exporter.use_cases.report import reopen

    return reporter.report(reopen(run_json, baseline))
