"""`mobile-export convert`: artifacts alone."""

import sys
from pathlib import Path
from typing import Any

import click

from exporter.cli import completion
from exporter.cli.options.data import calibration_options
from exporter.cli.options.model import model_options, take_model_settings
from exporter.cli.options.output import folder_option
from exporter.cli.options.report import report_options
from exporter.cli.options.targets import route_option, target_names_option, targets_option
from exporter.cli.reporter import Reporter
from exporter.execution.heavy import need


@click.command(name="convert")
@click.argument("model", shell_complete=completion.models)
@target_names_option()
@targets_option
@route_option
@calibration_options
@folder_option("Folder for artifacts and run.json.")
@click.option("--force", is_flag=True, help="Convert anew instead of taking it from the cache.")
@model_options
@report_options("run", output=False)
def command(model: str, targets_file: Path | None, reporter: Reporter, **given: Any) -> int:
    """Convert MODEL for each target and gate the size, without running anything."""
    need("torch")
    from exporter.cli.outcome import finish
    from exporter.cli.progress import progress
    from exporter.data.results.commands import RunResult
    from exporter.use_cases.job.request import RunRequest
    from exporter.use_cases.run import run

    request = RunRequest(
        spec=model,
        settings=take_model_settings(targets_file, given),
        targets_file=targets_file,
        verify=False,
        measure=False,
        command_line=("mobile-export", *sys.argv[1:]),
        **given,
    )
    return finish(RunResult(run(request, progress()), request.output, verified=False), reporter)
