"""`mobile-export run`: the main job."""

import sys
from pathlib import Path
from typing import Any

import click

from exporter.cli import completion
from exporter.cli.options.data import calibration_options, evaluation_options, training_option
from exporter.cli.options.history import commit_option, keep_option, revision_here
from exporter.cli.options.lab import lab_at, scheduler_option, tls_option
from exporter.cli.options.lease import wait_option
from exporter.cli.options.model import model_options, take_model_settings
from exporter.cli.options.output import folder_option
from exporter.cli.options.report import report_options
from exporter.cli.options.targets import devices_option, route_option, target_names_option, targets_option
from exporter.cli.reporter import Reporter
from exporter.execution.heavy import need


@click.command(name="run")
@click.argument("model", shell_complete=completion.models)
@target_names_option()
@targets_option
@route_option
@calibration_options
@training_option
@evaluation_options
@folder_option("Folder for artifacts, run.json and report.html.")
@click.option("--force", is_flag=True, help="Make everything anew instead of taking it from the cache.")
@click.option("--strict", is_flag=True, help="What could not be checked fails the run.")
@click.option("--measure/--no-measure", default=True, help="Take readings of artifacts on this machine, where it can.")
@devices_option("Profile there too; repeatable.")
@click.option(
    "--accuracy-on-device",
    "accuracy_there",
    is_flag=True,
    help="Have the devices compute the evaluation data, and judge what they computed; see docs/accuracy-on-devices.md.",
)
@click.option("--handoff", "hands_off", is_flag=True, help="Make what an app team needs beside each artifact.")
@click.option("--quick", is_flag=True, help="Profile devices in seconds; marked as such, and judged by no budget.")
@wait_option
@scheduler_option("Have --device mean the devices of a lab (docs/lab.md), such as tls://10.0.0.1:8786.")
@tls_option
@keep_option
@commit_option
@model_options
@report_options("run", output=False)
def command(
    model: str,
    targets_file: Path | None,
    quick: bool,
    hands_off: bool,
    history: Path | None,
    commit: str | None,
    reporter: Reporter,
    **given: Any,
) -> int:
    """Convert MODEL for each target; verify, inspect, gate and measure the artifacts; write a report.

    MODEL is torchvision:NAME, timm:NAME, transformers:FOLDER[:HEAD], ultralytics:FILE, smp:ARCHITECTURE[:ENCODER],
    package.module:factory, path/to/file.py:factory, or a .pt2, TorchScript .pt or .onnx file.

    Exit code 0 when every gate passed, 1 when one failed, 2 for wrong usage, 3 when a tool failed.
    """
    need("torch")
    from exporter.cli.outcome import finish
    from exporter.cli.output import complain
    from exporter.cli.progress import progress
    from exporter.execution.isolation import hardest
    from exporter.history.places import open_history
    from exporter.use_cases.handoff import beside_artifacts, refuse_early
    from exporter.use_cases.history import keep_run
    from exporter.use_cases.job.request import RunRequest
    from exporter.use_cases.report import result_of
    from exporter.use_cases.run import run
    from profilers.plan import ProfilePlan

    request = RunRequest(
        spec=model,
        settings=take_model_settings(targets_file, given),
        targets_file=targets_file,
        plan=ProfilePlan.desk_check() if quick else ProfilePlan(),
        command_line=("mobile-export", *sys.argv[1:]),
        lab=lab_at(given.pop("scheduler"), given.pop("tls")),
        revision=revision_here(commit),
        **given,
    )
    if history is not None:
        open_history(history, to_write=True)  # a place that is none is refused before the work
    if hands_off:
        refuse_early(request.output, request.target_names)
    record = run(request, progress())
    code = finish(result_of(record, request.output), reporter)
    troubles = beside_artifacts(record, request, progress()) if hands_off else []
    if history is not None:
        keep_run(history, request.output)
    for trouble in troubles:
        complain(trouble.sentence)
    return max(code, hardest(troubles))
