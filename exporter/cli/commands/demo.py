"""`mobile-export demo`."""

from pathlib import Path

import click

from exporter.cli.options.output import folder_option
from exporter.cli.options.report import report_options
from exporter.cli.reporter import Reporter
from exporter.execution.heavy import need

TARGETS = ("iphone-15", "apple-watch-9", "pixel-8", "android-gpu")


@click.command(name="demo")
@folder_option("Folder for the data, the model and what a run leaves.", default="demo-output")
@report_options("run", output=False)
def command(output: Path, reporter: Reporter) -> int:
    """Train a small network on handwritten digits and run it for four targets.

    Two Apple and two Android targets, with accuracy on held-out digits. No network is needed.
    """
    need("torch")
    from exporter.cli.outcome import finish
    from exporter.cli.progress import progress
    from exporter.use_cases.demo import run_demo
    from exporter.use_cases.report import result_of

    return finish(result_of(run_demo(output, TARGETS, progress()), output), reporter)
