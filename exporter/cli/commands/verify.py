"""`mobile-export verify`: does this artifact still compute what the source computes?"""

import json
from pathlib import Path
from typing import Any

import click

from exporter.cli.commands.targets import format_option, targets_option
from exporter.cli.options.model import model_options, model_settings_from


@click.command(name="verify")
@click.argument("artifact", type=click.Path(path_type=Path))
@click.argument("model")
@click.option("--target", "target_name", required=True, metavar="NAME", help="Whose tolerances are the limits.")
@targets_option
@click.option(
    "--evaluation", metavar="DATA", help="Data to compare on: CSV of path,label, image folder, .npz, factory."
)
@click.option("--evaluation-samples", type=click.IntRange(1), metavar="N", help="At most so many.  [default: all]")
@click.option("--layers", is_flag=True, help="Core ML: compare layer by layer, and name the first that differs.")
@click.option("--strict", is_flag=True, help="What could not be checked fails.")
@model_options
@format_option
def command(
    artifact: Path,
    model: str,
    target_name: str,
    targets_file: Path | None,
    layers: bool,
    strict: bool,
    output_format: str,
    **given: Any,
) -> int:
    """Compare ARTIFACT, a converted model that anyone made, with the MODEL that it came from.

    Exit code 0 when every tolerance of the target holds, 1 when one does not.
    """
    from exporter.cli.progress import progress
    from exporter.data.verdict import exit_code
    from exporter.report.text.verification import layer_documents, render_layers, render_verification
    from exporter.use_cases.request import RunRequest
    from exporter.use_cases.verify import compare_layers_of, verify

    request = RunRequest(
        spec=model,
        settings=model_settings_from(targets_file, given),
        target_names=(target_name,),
        targets_file=targets_file,
        output=Path(),
        evaluation=given["evaluation"],
        evaluation_samples=given["evaluation_samples"],
        strict=strict,
    )
    parities, verdicts = verify(request, artifact, progress())
    compared = compare_layers_of(request, artifact, progress()) if layers else []
    if output_format == "json":
        document = {
            "schema_version": 1,
            "parities": [parity.model_dump(mode="json") for parity in parities],
            "verdicts": [verdict.model_dump(mode="json") for verdict in verdicts],
            **({"layers": layer_documents(compared)} if layers else {}),
        }
        click.echo(json.dumps(document, indent=1))
    else:
        render_verification(parities, verdicts)
        if layers:
            render_layers(compared)
    return exit_code(verdicts, strict=strict)
