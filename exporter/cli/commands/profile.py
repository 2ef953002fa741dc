"""`mobile-export profile`: latency, processor time, memory and energy of a model file on devices."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.cli import completion
from exporter.cli.options.history import commit_option, keep_option, revision_here
from exporter.cli.options.lab import lab_at, scheduler_option, tls_option
from exporter.cli.options.lease import wait_option
from exporter.cli.options.plan import Asked, plan_options
from exporter.cli.options.report import report_options
from exporter.cli.options.runner import runner_options
from exporter.cli.options.targets import devices_option, targets_option
from exporter.cli.progress import progress
from exporter.cli.reporter import Reporter
from exporter.data.errors import UsageProblem
from exporter.data.facts.profile import DeviceProfile
from exporter.data.facts.sweep import Sweep, sweep_of
from exporter.data.results.commands import ProfileResults
from exporter.data.settings.target import Target
from exporter.data.verdict import exit_code
from exporter.formats.devices import RunnerChoice
from exporter.formats.files import check_whole
from exporter.formats.format import Format
from exporter.formats.registry import all_formats, format_named
from exporter.history.places import open_history
from exporter.use_cases.devices.baseline import baseline_of
from exporter.use_cases.devices.changes import changes_between, changes_since
from exporter.use_cases.devices.choice import choose_devices, unmeasured
from exporter.use_cases.history import keep_profile
from exporter.use_cases.profile import ProfileRequest, profile

if TYPE_CHECKING:
    from exporter.execution.lab.connection import LabAddress


@click.command(name="profile")
@click.argument(
    "artifacts", metavar="ARTIFACT...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)
)
@devices_option("Default: local. Repeatable.")
@wait_option
@scheduler_option("Measure on the devices of a lab (docs/lab.md), such as tls://10.0.0.1:8786.")
@tls_option
@click.option(
    "--target",
    "target_name",
    shell_complete=completion.targets,
    metavar="NAME",
    help="Judge the readings by this target's budgets.",
)
@targets_option
@plan_options
@runner_options
@click.option("--no-host-reference", is_flag=True, help="Do not run the model here too; outputs are then not compared.")
@click.option(
    "--baseline",
    "--against",
    "baseline",
    metavar="RUN",
    help="Compare with a run.json, what this command wrote with -f json, or a run of --history: the beginning of its "
    "commit or digest, or latest.",
)
@keep_option
@commit_option
@click.option("--strict", is_flag=True, help="What could not be checked fails.")
@report_options("profile")
def command(
    artifacts: tuple[Path, ...],
    devices: tuple[str, ...],
    wait_s: float,
    scheduler: str | None,
    tls: Path | None,
    target_name: str | None,
    targets_file: Path | None,
    asked: Asked,
    choice: RunnerChoice,
    no_host_reference: bool,
    baseline: str | None,
    history: Path | None,
    commit: str | None,
    strict: bool,
    reporter: Reporter,
) -> int:
    """Measure latency, processor time, memory and energy of a model file on this machine or on devices.

    ARTIFACT is a model file of any format that targets have. Several take turns of milliseconds, and each is held
    against the first: differences with intervals, and false alarms under 5 %; two models of up to 10 ms take two
    minutes. With --sweep one model is measured under several settings in turns, and the fastest is named. Exit code 3
    when a device failed, 1 when a budget did.
    """
    models = tuple(dict.fromkeys(artifacts))
    plan = asked.plan(several=len(models) > 1)
    artifact, form, target = models[0], _same_form(models), _target(target_name, targets_file)
    for one in models:
        check_whole(one)
    if baseline is not None and len(models) > 1:
        raise UsageProblem("--baseline holds one model against earlier readings of it: give one model.")
    if asked.settings and (len(models) > 1 or baseline is not None or target_name is not None):
        raise UsageProblem(
            "--sweep is of one model, without --baseline or --target: judge the setting that you choose."
        )
    if asked.settings and scheduler is not None:
        raise UsageProblem("--sweep is for devices of this machine: choose a setting, and then measure it in the lab.")
    if asked.settings and history is not None:
        progress().note("A sweep is not kept in the history: choose a setting, and then measure that")
        history = None
    earlier = None if baseline is None else baseline_of(baseline, history, artifact, target_name)
    if history is not None:
        open_history(history, to_write=True)  # a place that is none is refused before the work
    if target is not None and target.format != form.name:
        raise UsageProblem(
            f"--target {target.name} is for {format_named(target.format).title} models; "
            f"{artifact.name} is {form.devices.subject}."
        )
    if choice.name != "auto" and choice.name not in form.devices.runners:
        raise UsageProblem(f"--runner {choice.name}: {form.title} models run with {', '.join(form.devices.runners)}.")
    choice = choice._replace(reference=not no_host_reference)
    request = ProfileRequest(
        form, models, plan, choice, target, wait_s=wait_s, given=asked.given, settings=asked.settings
    )
    at = lab_at(scheduler, tls)
    found = _profiled(request, devices) if at is None else _profiled_in_lab(request, devices, at)
    changes = None if earlier is None else changes_since(earlier, found)
    changes = changes_between(found, models) if len(models) > 1 else changes
    sweeps = _sweeps(asked, found) if asked.settings else None
    code = _code(found, strict)
    result = ProfileResults(artifact, tuple(found), datetime.now(UTC), code, changes, sweeps)
    if history is not None:
        _keep(history, result, target_name, commit)
    return reporter.report(result)


def _keep(history: Path, result: ProfileResults, target: str | None, commit: str | None) -> None:
    if not keep_profile(history, result, target, revision_here(commit)):
        progress().note(f"Nothing was measured, so that {history} keeps nothing of it")


def _profiled(request: ProfileRequest, devices: Sequence[str]) -> list[DeviceProfile]:
    """On devices that this machine reaches."""
    chosen = choose_devices(devices, request.form, target=request.target)
    found = profile(request, chosen.serials, listing=chosen.listing, say=progress().note)
    return [*found, *(unmeasured(request.models[0].name, item) for item in chosen.skipped)]


def _profiled_in_lab(request: ProfileRequest, devices: Sequence[str], at: "LabAddress") -> list[DeviceProfile]:
    from exporter.use_cases.lab.profile import profile_in_lab

    return profile_in_lab(request, devices, at, progress())


def _sweeps(asked: Asked, found: list[DeviceProfile]) -> tuple[Sweep, ...]:
    """One a device on which the settings took turns."""
    titles = [setting.title for setting in asked.settings]
    by_device: dict[str, list[DeviceProfile]] = {}
    for item in found:
        by_device.setdefault(item.device, []).append(item)
    return tuple(sweep_of(name, titles, items) for name, items in by_device.items() if len(items) == len(titles))


def _code(found: list[DeviceProfile], strict: bool) -> int:
    """3 when a device failed, or none was there to be measured."""
    if any(item.error for item in found) or not any(item.result for item in found):
        return 3
    return exit_code((verdict for item in found for verdict in item.verdicts), strict=strict)


def _form(artifact: Path) -> Format:
    """The format that the name tells, compiled models too."""
    for form in all_formats():
        if artifact.suffix in (*form.suffixes, *form.packing.all_folders):
            return form
    titles = " and ".join(form.title for form in all_formats())
    raise UsageProblem(f"{artifact}: only {titles} models can be profiled by this command.")


def _same_form(models: Sequence[Path]) -> Format:
    forms = {model: _form(model) for model in models}
    if len({form.name for form in forms.values()}) > 1:
        listed = ", ".join(f"{model} is {form.devices.subject}" for model, form in forms.items())
        raise UsageProblem(f"models of one format are held against each other: {listed}.")
    return forms[models[0]]


def _target(name: str | None, file: Path | None) -> Target | None:
    if name is None:
        return None
    from exporter.config.targets import load_targets

    return load_targets([name], user_file=file)[0]
