"""`mobile-export compress`: apply a recipe to a model."""

import json
from pathlib import Path
from typing import Any

import click

from exporter.cli.commands.targets import format_option, targets_option
from exporter.cli.options.model import model_options, model_settings_from
from exporter.data.errors import UsageProblem


@click.command(name="compress")
@click.argument("model")
@click.option("--recipe", metavar="NAME|FILE", help="[recipes.NAME] of a targets file, or a TOML file.")
@targets_option
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.pt2",
              help="Where the compressed model goes; `run` and `convert` take it.")  # fmt: skip
@click.option("--data", "training", metavar="DATA", help="Images for recovery and fine-tuning; labels are optional.")
@click.option("--calibration", metavar="DATA", help="Representative data for ranges.  [default: --data]")
@click.option("--calibration-samples", type=click.IntRange(1), default=100, show_default=True, metavar="N")
@click.option("--seed", type=int, help="Instead of the recipe's.")
@click.option("--checkpoints", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
              help="Trainings keep their state here; the same command goes on after it was killed.")  # fmt: skip
@click.option("--sensitivity", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.csv",
              help="Instead: how much each layer bears, as a table, and as a plot beside it (.svg).")  # fmt: skip
@model_options
@format_option
def command(
    model: str,
    recipe: str | None,
    targets_file: Path | None,
    output: Path | None,
    sensitivity: Path | None,
    output_format: str,
    **given: Any,
) -> int:
    """Compress MODEL by a recipe: distill, prune, share, quantize or factorize its weights; write a .pt2 file.

    Every step reports what it changed in numbers, and what it left alone and why; a step that changes nothing is an
    error.
    """
    from exporter.cli.output import write_text
    from exporter.cli.progress import progress
    from exporter.use_cases.compress import CompressRequest, compress, sensitivity_table

    names = ("training", "calibration", "calibration_samples", "seed", "checkpoints")
    own = {name: given.pop(name) for name in names}
    if (recipe is None) == (sensitivity is None):
        raise UsageProblem("give --recipe NAME|FILE and --output FILE.pt2, or --sensitivity FILE.csv.")
    if recipe is not None and (output is None or output.suffix != ".pt2"):
        raise UsageProblem("--output must name the .pt2 file to write.")
    settings = model_settings_from(targets_file, given)
    request = CompressRequest(
        spec=model, settings=settings, recipe=recipe or "", output=output, targets_file=targets_file, **own
    )
    if sensitivity is not None:
        table, plot = sensitivity_table(request, progress())
        write_text(sensitivity, table)
        write_text(sensitivity.with_suffix(".svg"), plot)
        click.echo(table, nl=False)
        return 0
    result = compress(request, progress())
    if output_format == "json":
        click.echo(json.dumps({
            "schema_version": 1,
            "recipe": result.recipe.model_dump(mode="json"),
            "steps": [step.model_dump(mode="json") for step in result.steps],
            "hints": result.hints.model_dump(mode="json"),
        }, indent=1))  # fmt: skip
    else:
        from exporter.report.text.compression import render_steps

        render_steps(result.steps)
    return 0
