"""`mobile-export check`: what targets make of a model's operators, before anything is converted."""

from pathlib import Path
from typing import Any

import click

from exporter.cli import completion
from exporter.cli.options.model import model_options, take_model_settings
from exporter.cli.options.report import report_options
from exporter.cli.options.targets import route_option, target_names_option, targets_option
from exporter.cli.output import complain
from exporter.cli.reporter import Reporter
from exporter.execution.heavy import need


@click.command(name="check")
@click.argument("model", shell_complete=completion.models)
@target_names_option()
@targets_option
@route_option
@click.option("--rows", type=click.IntRange(1), default=40, show_default=True, metavar="N", help="Operators to show.")
@click.option("--strict", is_flag=True, help="What could not be checked fails.")
@model_options
@report_options("check")
def command(model: str, targets_file: Path | None, rows: int, reporter: Reporter, **given: Any) -> int:
    """Say of each operator of MODEL whether each target takes it, in seconds and before converting.

    Of each operator: supported, supported after a rewrite, falls back to CPU, refused, or not checked; where in the
    model it is, and what to change.

    Exit code 0 when nothing is refused and nothing falls back to the CPU, 1 when something is or does.
    """
    need("torch")
    from exporter.cli.progress import progress
    from exporter.use_cases.check import check
    from exporter.use_cases.job.request import RunRequest

    request = RunRequest(
        spec=model,
        settings=take_model_settings(targets_file, given),
        targets_file=targets_file,
        output=Path(),
        **given,
    )
    result = check(request, progress())
    code = reporter.report(result, rows=rows)
    for sentence in dict.fromkeys(one.why_not for one in result.checks if one.failed):
        complain(sentence)
    return code
