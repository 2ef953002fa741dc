"""`mobile-export profile`: latency, processor time, memory and energy of a model file on devices."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from exporter.cli.targets import format_option, targets_option
from exporter.coreml_profiling import APPLE_KINDS, is_coreml, profile_apple
from exporter.errors import UsageProblem
from exporter.inspection.whole import check_whole
from exporter.profiling import DeviceProfile, RunnerChoice, profile, resolve_devices
from exporter.targets.settings import Budgets, CoremlTarget
from exporter.units import format_size, format_time
from exporter.verdicts import exit_code, worst_first
from profilers.plan import ProfilePlan, load_plan
from profilers.readings import Obtained, Reading
from profilers.statistics import PERCENTILES, coefficient_of_variation, percentile, percentile_estimate, split, spread

UNSTABLE = 0.05


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
)
@click.option("--benchmark-binary", metavar="PATH", help="litert_bench or a benchmark_model, here or on the device.")
@click.option("--litert-library", metavar="PATH", help="libLiteRt.so for the device, here or there.")
@click.option("--instruments", is_flag=True, help="Core ML: record with Instruments too.")
@click.option("--strict", is_flag=True, help="What could not be checked fails.")
@format_option
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
    output_format: str,
) -> int:
    """Measure latency, processor time, memory and energy of a model file on this machine or on devices.

    ARTIFACT is a .tflite file, or a Core ML model for an iPhone, a simulator or this Mac. Exit code 3 when a device
    failed, 1 when a budget did.
    """
    plan = _plan(plan_file, quick, repeat, threads, no_energy)
    check_whole(artifact)
    if is_coreml(artifact):
        serials = resolve_devices(devices, APPLE_KINDS)
        target = _coreml_target(target_name, targets_file)
        apple = profile_apple(
            [artifact], serials, plan, target, instruments=instruments, coremltools=runner == "coremltools",
            say=_progress,
        )  # fmt: skip
        return _report(apple, strict, output_format)
    if artifact.suffix != ".tflite":
        raise UsageProblem(f"{artifact}: only .tflite and Core ML models can be profiled by this command.")
    found = profile(
        [artifact], resolve_devices(devices), plan, RunnerChoice(runner, benchmark_binary, litert_library),
        _budgets(target_name, targets_file), say=_progress,
    )  # fmt: skip
    return _report(found, strict, output_format)


def _report(found: list[DeviceProfile], strict: bool, output_format: str) -> int:
    if output_format == "json":
        rows = [item.model_dump(mode="json") for item in found]
        click.echo(json.dumps({"schema_version": 1, "profiles": rows}, indent=2))
    else:
        click.echo("\n\n".join(_show(item) for item in found))
    if any(item.error for item in found):
        return 3
    return exit_code((verdict for item in found for verdict in item.verdicts), strict=strict)


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
    try:
        if file is not None:
            return load_plan(file, **changes)
        return ProfilePlan.desk_check(**changes) if quick else ProfilePlan.model_validate(changes)
    except ValueError as error:
        raise UsageProblem(f"{file or 'the plan'}: {error}") from error


def _budgets(name: str | None, file: Path | None) -> Budgets | None:
    if name is None:
        return None
    from exporter.targets.load import load_targets

    return load_targets([name], user_file=file)[0].budgets


def _coreml_target(name: str | None, file: Path | None) -> CoremlTarget | None:
    if name is None:
        return None
    from exporter.targets.load import load_targets

    target = load_targets([name], user_file=file)[0]
    if not isinstance(target, CoremlTarget):
        raise UsageProblem(f"--target {name} is for {target.format} models; this one is Core ML.")
    return target


def _progress(words: str) -> None:
    if sys.stderr.isatty():
        click.echo(words, err=True)


def _show(item: DeviceProfile) -> str:
    if item.result is None:
        return f"{item.device}: error: {item.error}"
    result = item.result
    title = f"{Path(result.artifact).name} on {result.device.serial} ({result.device.model or result.device.os})"
    lines = [title + ("  QUICK DESK CHECK, not for comparison" if result.plan.quick else "")]
    cpu_times = [sample for reading in result.readings if reading.metric == "cpu_time" for sample in reading.samples]
    lines += [f"  {line}" for reading in result.readings for line in _reading_lines(reading, cpu_times)]
    lines += [f"  warning: {words}" for words in result.warnings]
    lines += [f"  rejected: {words}" for words in result.rejected]
    for op in sorted(result.ops, key=lambda op: -op.mean_s)[:10]:
        lines.append(f"  op {format_time(op.mean_s)} ({op.share:.1%}): {op.type} {op.name}")
    if result.outputs is not None:
        lines.append(f"  outputs: {result.outputs.reason}")
    for verdict in worst_first(item.verdicts):
        lines.append(f"  {verdict.status.value.upper()} {verdict.metric}: {verdict.reason}")
    return "\n".join(lines)


def _reading_lines(reading: Reading, cpu_times: Sequence[float]) -> list[str]:
    if reading.obtained is Obtained.UNAVAILABLE:
        return [f"{reading.metric}: unavailable: {reading.reason}"]
    mark = "" if reading.obtained is Obtained.MEASURED else f"  (estimated: {reading.reason})"
    samples = reading.samples
    if reading.metric != "latency":
        return [f"{reading.metric}: {_value(percentile(samples, 50), reading.unit)} (median of {len(samples)}){mark}"]
    middle = percentile_estimate(samples, 50, groups=reading.groups)
    figures = ", ".join(f"p{q:g} {format_time(percentile(samples, q))}" for q in PERCENTILES)
    lines = [
        f"latency: {figures}  ({len(samples)} inferences, {max(1, len(reading.groups))} processes; {reading.source})",
        f"  p50 is {format_time(middle.low)} to {format_time(middle.high)} with 95 % confidence ({middle.method})",
    ]
    return [*lines, *_stability(reading, cpu_times)]


def _stability(reading: Reading, cpu_times: Sequence[float]) -> list[str]:
    """A sentence when the processes' medians spread too far, or one process's samples do, and what speaks for why."""
    if reading.conditions.get("threads") == "1" and cpu_times:
        missing = 1 - percentile(cpu_times, 50) / percentile(reading.samples, 50)
        if missing > UNSTABLE:
            return [f"  unstable: the model had a CPU for only {1 - missing:.0%} of the time of its median inference; "
                    "other programs run here. Close them, or compare cpu_time instead."]  # fmt: skip
    if len(reading.groups) > 1:
        medians = [percentile(part, 50) for part in split(reading.samples, reading.groups)]
        if spread(medians) > UNSTABLE:
            return [
                f"  unstable: the processes' medians spread by {spread(medians):.0%}; something else runs on this "
                "device, or its frequency changes. Close other programs, fix the governor, or add --repeat."
            ]
    elif coefficient_of_variation(reading.samples) > 2 * UNSTABLE:
        return [f"  unstable: samples vary by {coefficient_of_variation(reading.samples):.0%}; other work disturbs it."]
    return []


def _value(value: float, unit: str) -> str:
    if unit == "s":
        return format_time(value)
    if unit == "B":
        return format_size(value)
    return f"{value * 1e3:.4g} mJ" if unit == "J" else f"{value:.4g}{'' if unit == '1' else ' ' + unit}"
