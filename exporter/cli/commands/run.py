"""`mobile-export run`: the main job."""

import sys
from pathlib import Path
from typing import Any

import click

from exporter.cli.commands.targets import format_option, targets_option
from exporter.cli.options.model import model_options, model_settings_from


@click.command(name="run")
@click.argument("model")
@click.option("--target", "target_names", multiple=True, required=True, metavar="NAME", help="Once a target.")
@targets_option
@click.option("--calibration", metavar="DATA", help="Representative data: image folder, CSV, .npz or module:factory.")
@click.option("--calibration-samples", type=click.IntRange(1), default=100, show_default=True, metavar="N")
@click.option("--data", "training", metavar="DATA", help="Images for recipes that train; labels are optional.")
@click.option("--evaluation", metavar="DATA", help="Data to compare on, with labels: CSV of path,label, or as above.")
@click.option("--evaluation-samples", type=click.IntRange(1), metavar="N", help="At most so many.  [default: all]")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("build"), show_default=True,
              help="Folder for artifacts, run.json and report.html.")  # fmt: skip
@click.option("--force", is_flag=True, help="Make everything anew instead of taking it from the cache.")
@click.option("--strict", is_flag=True, help="What could not be checked fails the run.")
@click.option("--measure/--no-measure", default=True, help="Take readings of artifacts on this machine, where it can.")
@click.option("--device", "devices", multiple=True, metavar="SERIAL|local|all", help="Profile there too; repeatable.")
@click.option("--quick", is_flag=True, help="Profile devices in seconds; marked as such, and judged by no budget.")
@model_options
@format_option
def command(
    model: str, target_names: tuple[str, ...], targets_file: Path | None, output_format: str, **given: Any
) -> int:
    """Convert MODEL for each target; verify, inspect, gate and measure the artifacts; write a report.

    MODEL is torchvision:NAME, package.module:factory, path/to/file.py:factory, or a .pt2, TorchScript .pt or .onnx
    file.

    Exit code 0 when every gate passed, 1 when one failed, 2 for wrong usage, 3 when a tool failed.
    """
    from exporter.cli.outcome import finish
    from exporter.cli.progress import progress
    from exporter.use_cases.request import RunRequest
    from exporter.use_cases.run import run
    from profilers.plan import ProfilePlan

    names = (
        "calibration",
        "calibration_samples",
        "evaluation",
        "evaluation_samples",
        "output",
        "force",
        "strict",
        "measure",
        "training",
        "devices",
    )
    request = RunRequest(
        plan=ProfilePlan.desk_check() if given["quick"] else ProfilePlan(),
        spec=model,
        settings=model_settings_from(targets_file, given),
        target_names=target_names,
        targets_file=targets_file,
        command_line=("mobile-export", *sys.argv[1:]),
        **{name: given[name] for name in names},
    )
    record = run(request, progress())
    return finish(record, request.output, output_format)
