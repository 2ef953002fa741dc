"""`mobile-export search`: the recipe that keeps a model inside every budget."""

import sys
from pathlib import Path
from typing import Any

import click

from exporter.cli import completion
from exporter.cli.options.data import calibration_options, evaluation_options
from exporter.cli.options.lease import wait_option
from exporter.cli.options.model import model_options, take_model_settings
from exporter.cli.options.output import folder_option
from exporter.cli.options.quantities import DURATION, SIZE, SPAN
from exporter.cli.options.report import report_options
from exporter.cli.options.targets import devices_option, target_names_option, targets_option
from exporter.cli.reporter import Reporter
from exporter.data.errors import UsageProblem
from exporter.execution.heavy import need

SHOW = "show"


@click.command(name="search")
@click.argument("model", metavar="MODEL|show", required=False, shell_complete=completion.models)
@target_names_option(required=False)
@targets_option
@calibration_options
@evaluation_options
@click.option("--train", "training", metavar="DATA", help="Prune too, and recover on these; labels are optional.")
@click.option(
    "--train-epochs", "training_epochs", type=click.IntRange(1), default=10, show_default=True, help="Of each recovery."
)
@click.option("--max-size", type=SIZE, metavar="SIZE", help="Most bytes of a file, such as '3 MB'.")
@click.option(
    "--max-drop",
    type=click.FloatRange(0),
    metavar="POINTS",
    help="Most points that the task's first figure, or top-1, may lose; replaces the target's tolerances.",
)
@click.option(
    "--max-latency", "max_latency_s", type=DURATION, metavar="TIME", help="Most of a median inference, such as '8 ms'."
)
@devices_option("Measure there; repeatable.")
@wait_option
@click.option("--minimize", type=click.Choice(["size", "latency", "energy"]), help="What the answer makes small.")
@click.option("--time", "time_s", type=SPAN, default="30 min", show_default=True, help="Begin nothing after that.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Trials at once.  [default: one a core]")
@click.option("--scheduler", metavar="ADDRESS", help="Have a Dask cluster carry trials out, such as tcp://host:8786.")
@folder_option("Folder of the study.", default="study")
@click.option("--resume", is_flag=True, help="Go on with the study in the folder, as it was asked for.")
@click.option("--apply", "point", metavar="NAME", help="Write quality, balanced or compact into the targets file.")
@model_options
@report_options("search", output=False)
def command(
    model: str | None, targets_file: Path | None, output: Path, point: str | None, reporter: Reporter, **given: Any
) -> int:
    """Find how MODEL is best compressed for each target: inside every budget, at the least loss.

    Every point is a file that was converted, verified and gated. What is found is kept in the study's folder, line by
    line: the same command, or --resume, goes on after an interruption and repeats nothing. `search show` shows a study
    again, while one is at work too.

    Exit code 0 when every target has a point inside every budget, 1 when one has none, 2 for wrong usage, 3 when a tool
    failed.
    """
    from exporter.use_cases.search.apply import apply

    if given.pop("resume"):
        model, targets_file, given = _asked(output, given)
    result = _shown(output) if model == SHOW else _searched(model, targets_file, output, given)
    code = _told(result, reporter, page=model != SHOW)
    if point is not None:
        for line in apply(result, point, targets_file):
            click.echo(f"Written: {line}", err=True)
    return code


def _told(result: Any, reporter: Reporter, *, page: bool) -> int:
    from exporter.use_cases.report import write_study_page

    try:
        if page:
            write_study_page(result)
    finally:  # what was found is in the study, whatever becomes of its page
        code = reporter.report(result)
    return code


def _shown(folder: Path) -> Any:
    from exporter.search.study import Study
    from exporter.use_cases.search.search import result_of

    return result_of(Study(folder), folder)


def _asked(folder: Path, given: dict[str, Any]) -> tuple[str, Path | None, dict[str, Any]]:
    """MODEL, targets file and options of the command that began the study; for how long, this one says."""
    from exporter.search.study import Study

    asked = Study(folder).asked
    if asked is None or asked.command_line[:1] != ("mobile-export",):
        raise UsageProblem(f"{folder} holds no study that a command began: give MODEL and --target NAME.")
    before = command.make_context("search", list(asked.command_line[2:])).params
    options = {name: before[name] for name in given} | {"time_s": given["time_s"]}
    return before["model"], before["targets_file"], options


def _searched(model: str | None, targets_file: Path | None, output: Path, given: dict[str, Any]) -> Any:
    need("torch")
    from exporter.cli.progress import progress
    from exporter.use_cases.search.request import SearchRequest
    from exporter.use_cases.search.search import search

    if model is None or not given["target_names"]:
        raise UsageProblem("give MODEL and --target NAME, or --resume with the folder of a study.")
    settings = take_model_settings(targets_file, given)
    request = SearchRequest(
        spec=model,
        settings=settings,
        targets_file=targets_file,
        output=output,
        executor="dask" if given["scheduler"] else "processes",
        command_line=("mobile-export", *sys.argv[1:]),
        **given,
    )
    return search(request, progress())
