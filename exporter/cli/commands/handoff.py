"""`mobile-export handoff`: what an app team needs beside an artifact."""

from pathlib import Path

import click

from exporter.cli.options.report import report_options
from exporter.cli.options.targets import targets_option
from exporter.cli.reporter import Reporter
from exporter.execution.heavy import need

_FILE = click.Path(path_type=Path)


@click.command(name="handoff")
@click.argument("run", type=_FILE)
@click.option("--target", "target_names", multiple=True, metavar="NAME", help="Of the run.  [default: all]")
@targets_option
@click.option("--evaluation", metavar="DATA", help="Examples for golden cases; made up ones without.")
@click.option("--cases", type=click.IntRange(1), default=4, show_default=True, metavar="N", help="So many of the data.")
@click.option("--labels", type=_FILE, metavar="FILE", help="Class names, one a line, where the artifact has none.")
@click.option("--resize", type=click.Choice(["crop", "stretch", "letterbox"]), help="Where the artifact does not say.")
@click.option("--license", "license_", metavar="TEXT", help="Of the weights, where the run does not say.")
@click.option("-o", "--output", "folder", type=_FILE, metavar="FOLDER", help="[default: handoff beside each artifact]")
@report_options("handoff", output=False)
def command(
    run: Path,
    target_names: tuple[str, ...],
    targets_file: Path | None,
    evaluation: str | None,
    cases: int,
    labels: Path | None,
    resize: str | None,
    license_: str | None,
    folder: Path | None,
    reporter: Reporter,
) -> int:
    """Make a folder beside each artifact of RUN that an app team drops into its project.

    RUN is the folder of a run, its run.json, or an artifact that anyone made. Nothing of yours is overwritten.
    """
    need("numpy")
    from exporter.cli.progress import progress
    from exporter.config.model import model_settings
    from exporter.use_cases.handoff import HandoffRequest, handoff

    settings = model_settings(targets_file, {"labels": labels, "resize": resize, "license": license_})
    request = HandoffRequest(run, target_names, settings, evaluation, cases, folder)
    return reporter.report(handoff(request, progress()))
