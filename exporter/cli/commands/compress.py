"""`mobile-export compress`: apply a recipe to a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exporter.cli import completion
from exporter.cli.options.data import calibration_options, training_option
from exporter.cli.options.model import model_options, take_model_settings
from exporter.cli.options.report import report_options
from exporter.cli.options.targets import targets_option
from exporter.cli.reporter import Reporter
from exporter.data.errors import UsageProblem
from exporter.execution.heavy import need

if TYPE_CHECKING:
    from exporter.use_cases.compress import CompressRequest


@click.command(name="compress")
@click.argument("model", shell_complete=completion.models)
@click.option(
    "--recipe",
    shell_complete=completion.recipes,
    metavar="NAME|FILE",
    help="[recipes.NAME] of a targets file, or a TOML file.",
)
@targets_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.pt2",
    help="Where the compressed model goes; `run` and `convert` take it.",
)
@training_option
@calibration_options
@click.option("--seed", type=int, help="Instead of the recipe's.")
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Trainings keep their state here; the same command goes on after it was killed.",
)
@click.option(
    "--sensitivity",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.csv",
    help="Instead: how much each layer bears, as a table, and as a plot beside it (.svg).",
)
@model_options
@report_options("compress", output=False)
def command(
    model: str,
    recipe: str | None,
    targets_file: Path | None,
    sensitivity: Path | None,
    reporter: Reporter,
    **given: Any,
) -> int:
    """Compress MODEL by a recipe: distill, prune, share, quantize or factorize its weights; write a .pt2 file.

    Every step reports what it changed in numbers, and what it left alone and why; a step that changes nothing is an
    error.
    """
    need("torch")
    from exporter.cli.progress import progress
    from exporter.use_cases.compress import CompressRequest, compress

    _refuse(recipe, given["output"], sensitivity)
    request = CompressRequest(
        spec=model,
        settings=take_model_settings(targets_file, given),
        recipe=recipe or "",
        targets_file=targets_file,
        **given,
    )
    if sensitivity is not None:
        return _write_sensitivity(request, sensitivity)
    return reporter.report(compress(request, progress()))


def _refuse(recipe: str | None, output: Path | None, sensitivity: Path | None) -> None:
    if (recipe is None) == (sensitivity is None):
        raise UsageProblem("give --recipe NAME|FILE and --output FILE.pt2, or --sensitivity FILE.csv.")
    if recipe is not None and (output is None or output.suffix != ".pt2"):
        raise UsageProblem("--output must name the .pt2 file to write.")


def _write_sensitivity(request: "CompressRequest", file: Path) -> int:
    """The table goes to `file` and to standard output, the plot beside it; each whole or not at all."""
    from exporter.cli.output import echo, write_text
    from exporter.cli.progress import progress
    from exporter.use_cases.compress import sensitivity_table

    table, plot = sensitivity_table(request, progress())
    write_text(file, table)
    write_text(file.with_suffix(".svg"), plot)
    echo(table)
    return 0
