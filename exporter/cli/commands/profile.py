"""`mobile-export profile`: latency, processor time, memory and energy of a model file on devices."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from exporter.cli.options.report import report_options
from exporter.cli.options.targets import targets_option
from exporter.cli.reporter import Reporter
from exporter.config.plans import load_plan
from exporter.data.errors import UsageProblem
from exporter.data.profile import DeviceProfile
from exporter.data.results import ProfileResults
from exporter.data.target import Target
from exporter.data.verdict import exit_code
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.files import check_whole
from exporter.formats.tflite.settings import TfliteTarget
from exporter.use_cases.coreml_profiling import is_coreml, profile_apple
from exporter.use_cases.device_choice import APPLE_KINDS, TFLITE_KINDS, Selection, choose_devices, unmeasured
from exporter.use_cases.profiling import RunnerChoice, profile
from profilers.plan import ProfilePlan


@click.command(name="profile")
@click.argument("artifact", type=click.Path(path_type=Path, exists=True))
@click.option("--device", "devices", multiple=True, metavar="SERIAL|local|all", help="Default: local. Repeatable.")
@click.option("--target", "target_name", metavar="NAME", help="Judge the readings by this target's budgets.")
@targets_option
@click.option("--plan", "plan_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="A plan as TOML or JSON; see docs/profiling.md.")  # fmt: skip
@click.option("--quick", is_flag=True, help="A desk check of seconds; marked as such, and judged by no budget.")
@click.option("--repeat", type=click.IntRange(min=1), metavar="N", help="Processes to measure in; over the plan's.")
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="CPU threads; over the plan's.")
@click.option("--no-energy", is_flag=True, help="Leave out the energy phases, which take minutes.")
@click.option(
    "--runner",
    type=click.Choice(["auto", "litert_bench", "benchmark_model", "in_process", "coremltools"]),
    default="auto",
    show_default=True,
    help="The program that runs the model.",
)
@click.option("--benchmark-binary", metavar="PATH", help="litert_bench or a benchmark_model, here or on the device.")
@click.option("--litert-library", metavar="PATH", help="libLiteRt.so for the device, here or there.")
@click.option("--instruments", is_flag=True, help="Core ML: record with Instruments too.")
@click.option("--strict", is_flag=True, help="What could not be checked fails.")
@report_options("profile")
def command(
    artifact: Path,
    devices: tuple[str, ...],
    target_name: str | None,
    targets_file: Path | None,
    plan_file: Path | None,
    quick: bool,
    repeat: int | None,
    threads: int | None,
    no_energy: bool,
    runner: str,
    benchmark_binary: str | None,
    litert_library: str | None,
    instruments: bool,
    strict: bool,
    reporter: Reporter,
) -> int:
    """Measure latency, processor time, memory and energy of a model file on this machine or on devices.

    ARTIFACT is a .tflite file, or a Core ML model for an iPhone, a simulator or this Mac. Exit code 3 when a device
    failed, 1 when a budget did.
    """
    plan = _plan(plan_file, quick, repeat, threads, no_energy)
    check_whole(artifact)
    target = _target(target_name, targets_file)
    if is_coreml(artifact):
        if isinstance(target, TfliteTarget):
            raise UsageProblem(f"--target {target.name} is for {target.format} models; this one is Core ML.")
        chosen = choose_devices(devices, APPLE_KINDS, target=target)
        found = profile_apple(
            [artifact], chosen.serials, plan, target, instruments=instruments, coremltools=runner == "coremltools",
            say=_progress,
        )  # fmt: skip
        return _report([*found, *_skipped(artifact, chosen)], strict, artifact, reporter)
    if artifact.suffix != ".tflite":
        raise UsageProblem(f"{artifact}: only .tflite and Core ML models can be profiled by this command.")
    if isinstance(target, CoremlTarget):
        raise UsageProblem(f"--target {target.name} is for Core ML models; {artifact.name} is a .tflite file.")
    chosen = choose_devices(devices, TFLITE_KINDS, target=target)
    found = profile(
        [artifact], chosen.serials, plan, RunnerChoice(runner, benchmark_binary, litert_library), target, say=_progress
    )
    return _report([*found, *_skipped(artifact, chosen)], strict, artifact, reporter)


def _skipped(artifact: Path, chosen: Selection) -> list[DeviceProfile]:
    return [unmeasured(artifact.name, item) for item in chosen.skipped]


def _report(found: list[DeviceProfile], strict: bool, artifact: Path, reporter: Reporter) -> int:
    """Show what was found; 3 when a device failed, or none was there to be measured."""
    failed = any(item.error for item in found) or not any(item.result for item in found)
    code = 3 if failed else exit_code((verdict for item in found for verdict in item.verdicts), strict=strict)
    return reporter.report(ProfileResults(artifact, tuple(found), datetime.now(UTC), code))


def _plan(file: Path | None, quick: bool, repeat: int | None, threads: int | None, no_energy: bool) -> ProfilePlan:
    changes: dict[str, object] = {}
    if repeat is not None:
        changes["processes"] = repeat
    if threads is not None:
        changes["threads"] = threads
    if no_energy:
        changes["energy_repeats"] = 0
    if file is not None and quick:
        raise UsageProblem("--plan and --quick exclude each other: write quick = true into the plan.")
    if file is not None:
        return load_plan(file, **changes)
    try:
        return ProfilePlan.desk_check(**changes) if quick else ProfilePlan.model_validate(changes)
    except ValueError as error:
        raise UsageProblem(f"the plan: {error}") from error


def _target(name: str | None, file: Path | None) -> Target | None:
    if name is None:
        return None
    from exporter.config.targets import load_targets

    return load_targets([name], user_file=file)[0]


def _progress(words: str) -> None:
    if sys.stderr.isatty():
        click.echo(words, err=True)
