"""`mobile-export verify`: does this artifact still compute what the source computes?"""

from pathlib import Path
from typing import Any

import click

from exporter.cli import completion
from exporter.cli.options.data import evaluation_options
from exporter.cli.options.model import model_options, take_model_settings
from exporter.cli.options.report import report_options
from exporter.cli.options.targets import targets_option
from exporter.cli.reporter import Reporter
from exporter.execution.heavy import need


@click.command(name="verify")
@click.argument("artifact", type=click.Path(path_type=Path))
@click.argument("model", shell_complete=completion.models)
@click.option(
    "--target",
    "target_name",
    required=True,
    shell_complete=completion.targets,
    metavar="NAME",
    help="Whose tolerances are the limits.",
)
@targets_option
@evaluation_options
@click.option("--layers", is_flag=True, help="Compare layer by layer too, and name the first that leaves the source.")
@click.option("--strict", is_flag=True, help="What could not be checked fails.")
@model_options
@report_options("verify")
def command(
    artifact: Path,
    model: str,
    target_name: str,
    targets_file: Path | None,
    layers: bool,
    reporter: Reporter,
    **given: Any,
) -> int:
    """Compare ARTIFACT, a converted model that anyone made, with the MODEL that it came from.

    Exit code 0 when every tolerance of the target holds, 1 when one does not.
    """
    need("torch")
    from exporter.cli.progress import progress
    from exporter.use_cases.job.request import RunRequest
    from exporter.use_cases.verify import verify

    request = RunRequest(
        spec=model,
        settings=take_model_settings(targets_file, given),
        target_names=(target_name,),
        targets_file=targets_file,
        output=Path(),
        **given,
    )
    return reporter.report(verify(request, artifact, progress(), layers=layers))
