"""Profiles with a program called benchmark_model: summaries of each process, and a per-operator profile.

Neither program exports its samples: each process gives one figure of each kind, so percentiles other than the median
and the 95th are not to be had.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from device_harness.errors import CommandFailedError
from device_harness.protocol import Device, DeviceInfo
from device_harness.runners.benchmark_model import benchmark_command, output_of
from device_harness.runners.documents import START_UP_S
from profilers.conditions.probe import look, problems_before
from profilers.parse.litert.benchmark_model import BenchmarkSummary, parse_benchmark_text
from profilers.parse.litert.op_profile import OpTime, parse_op_table
from profilers.plan import ProfilePlan
from profilers.readings import Obtained, Reading, unavailable
from profilers.session import Entry, ProfileResult, is_android, measure, prepare_state, push_models, request_of
from profilers.watch.monitor import monitored
from profilers.watch.sampled import ProcessUse, process_use


class BenchmarkModel(NamedTuple):
    """A benchmark_model on the device, and which of the two it is: ``tflite`` or ``litert``."""

    program: str
    family: str


class BenchmarkRun(NamedTuple):
    """One process: what the program said, and what /proc showed of it."""

    summary: BenchmarkSummary
    use: ProcessUse


def profile_by_benchmark_model(
    device: Device,
    models: Sequence[Path],
    plan: ProfilePlan,
    runner: BenchmarkModel,
    *,
    say: Callable[[str], None] = lambda words: None,
) -> list[ProfileResult]:
    """Measure `models` on an open device; see `profilers.session.profile_models`.

    Raises:
        DeviceError: the device or the program failed.
    """
    info = device.info()
    entries = push_models(device, models)
    prepare_state(device, plan, is_android(info))
    before = look(device, android=is_android(info))
    warnings = [] if plan.quick else problems_before(before, plan)
    taken_at = datetime.now(UTC)

    def execute(remote: str) -> BenchmarkRun:
        text, use = _run(device, runner, plan, remote, op_profile=False)
        return BenchmarkRun(parse_benchmark_text(text, f"{runner.program} on {device.serial}"), use)

    measure(device, entries, plan, execute, before, warnings, say)
    return [
        ProfileResult(
            artifact=str(entry.path), sha256=entry.sha256, device=info, plan=plan,
            readings=summary_readings(entry, plan, info, taken_at),
            ops=_ops(device, runner, plan, entry.remote),
            warnings=tuple(dict.fromkeys(warnings)), rejected=tuple(entry.rejected),
        )
        for entry in entries
    ]  # fmt: skip


def summary_readings(entry: Entry, plan: ProfilePlan, info: DeviceInfo, taken_at: datetime) -> tuple[Reading, ...]:
    """One reading a figure, one sample a process; what the program did not tell is unavailable."""
    runs: list[BenchmarkRun] = entry.documents
    summaries = [run.summary for run in runs]
    source = f"benchmark_model ({summaries[0].family}), {summaries[0].count} inferences a process"
    conditions = {
        **plan.conditions(),
        "runtime": f"benchmark_model {summaries[0].family}",
        "ran_on": _ran_on(summaries, plan),
    }
    figures: tuple[tuple[str, str, str, list[float | None]], ...] = (
        ("latency.mean", "s", source, [summary.mean_s for summary in summaries]),
        ("latency.p50", "s", source, [summary.median_s for summary in summaries]),
        ("latency.p95", "s", source, [summary.p95_s for summary in summaries]),
        ("load_time", "s", source, [summary.init_s for summary in summaries]),
        ("memory.growth", "B", source, [summary.footprint_bytes for summary in summaries]),
        ("memory.peak", "B", "/proc/PID/status", [run.use.peak_bytes for run in runs]),
        ("cpu_utilization", "1", "/proc/PID/stat", [run.use.cpus for run in runs]),
    )
    facts: dict[str, Any] = {"device": info.serial, "environment": info.environment, "conditions": conditions}
    found = []
    for metric, unit, told_by, samples in figures:
        known = tuple(sample for sample in samples if sample is not None)
        if len(known) < len(samples):
            reason = f"{told_by} did not tell it of every process"
            found.append(unavailable(metric, unit, reason, source=told_by, **facts))
            continue
        groups = (1,) * len(known) if len(known) > 1 else ()
        found.append(
            Reading(metric=metric, unit=unit, samples=known, groups=groups, source=told_by,
                    obtained=Obtained.MEASURED, taken_at=taken_at, **facts)
        )  # fmt: skip
    return tuple(found)


def _ran_on(summaries: Sequence[BenchmarkSummary], plan: ProfilePlan) -> str:
    """What the program said of its delegate; a delegate that took nothing means the CPU."""
    if plan.accelerator == "cpu":
        return "cpu"
    told = {summary.delegation for summary in summaries}
    fully = {summary.fully_accelerated for summary in summaries}
    if told == {"complete"} or fully == {True}:
        return plan.accelerator
    if "none" in told:
        return "cpu"
    return "mixed" if "partial" in told or False in fully else "unknown"


def _ops(device: Device, runner: BenchmarkModel, plan: ProfilePlan, remote: str) -> tuple[OpTime, ...]:
    """The per-operator profile, which slows inferences down: in a run of its own."""
    if not plan.op_profile:
        return ()
    return parse_op_table(_run(device, runner, plan, remote, op_profile=True)[0])


def _run(
    device: Device, runner: BenchmarkModel, plan: ProfilePlan, remote: str, *, op_profile: bool
) -> tuple[str, ProcessUse]:
    """Both streams of one run, and what /proc showed of its process meanwhile."""
    command = benchmark_command(runner.program, runner.family, request_of(plan, remote), op_profile=op_profile)
    process = device.start(command)
    files = [f"/proc/{process.pid}/stat", f"/proc/{process.pid}/status"]
    with monitored(device, files, plan.sampling_interval_s) as monitor:
        result = process.wait(2 * plan.limit_s + START_UP_S)
    text = output_of(result)
    if result.returncode != 0:
        words = [line for line in text.splitlines() if "ERROR" in line] or text.strip().splitlines()[-1:]
        told = " ".join(words)[-300:]
        raise CommandFailedError(
            f"{device.serial}: {runner.program} ended with {result.returncode}: {told}", serial=device.serial
        )
    return text, process_use(monitor.samples, process.pid)
