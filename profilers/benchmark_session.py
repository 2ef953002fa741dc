"""Profiles with a program called benchmark_model: summaries of each process, and a per-operator profile.

Neither program exports its samples: each process gives one figure of each kind, so percentiles other than the median
and the 95th are not to be had.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from device_harness.device import Device, DeviceInfo
from device_harness.errors import CommandFailedError
from device_harness.runners.benchmark_model import benchmark_command, output_of
from device_harness.runners.documents import START_UP_S
from profilers.conditions import look, problems_before
from profilers.parse.benchmark_model import BenchmarkSummary, parse_benchmark_text
from profilers.parse.op_profile import OpTime, parse_op_table
from profilers.plan import ProfilePlan
from profilers.readings import Obtained, Reading, unavailable
from profilers.session import Entry, ProfileResult, is_android, measure, prepare_state, push_models, request_of


class BenchmarkModel(NamedTuple):
    """A benchmark_model on the device, and which of the two it is: ``tflite`` or ``litert``."""

    program: str
    family: str


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

    def execute(remote: str) -> BenchmarkSummary:
        return parse_benchmark_text(
            _run(device, runner, plan, remote, op_profile=False), f"{runner.program} on {device.serial}"
        )

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
    summaries: list[BenchmarkSummary] = entry.documents
    source = f"benchmark_model ({summaries[0].family}), {summaries[0].count} inferences a process"
    conditions = {
        **plan.conditions(),
        "runtime": f"benchmark_model {summaries[0].family}",
        "ran_on": _ran_on(summaries, plan),
    }
    figures = (
        ("latency.mean", "s", "mean_s"), ("latency.p50", "s", "median_s"), ("latency.p95", "s", "p95_s"),
        ("load_time", "s", "init_s"), ("memory.growth", "B", "footprint_bytes"),
    )  # fmt: skip
    found = []
    for metric, unit, field in figures:
        samples = [getattr(summary, field) for summary in summaries]
        if any(sample is None for sample in samples):
            reason = "this benchmark_model does not tell it"
            facts = {"environment": info.environment, "conditions": conditions}
            found.append(unavailable(metric, unit, reason, source=source, device=info.serial, **facts))
        else:
            found.append(
                Reading(metric=metric, unit=unit, samples=tuple(samples), source=source, device=info.serial,
                        environment=info.environment, obtained=Obtained.MEASURED, taken_at=taken_at,
                        conditions=conditions, groups=(1,) * len(samples) if len(samples) > 1 else ())
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
    return parse_op_table(_run(device, runner, plan, remote, op_profile=True))


def _run(device: Device, runner: BenchmarkModel, plan: ProfilePlan, remote: str, *, op_profile: bool) -> str:
    command = benchmark_command(runner.program, runner.family, request_of(plan, remote), op_profile=op_profile)
    result = device.run(command, timeout_s=2 * plan.limit_s + START_UP_S)
    text = output_of(result)
    if result.returncode != 0:
        words = [line for line in text.splitlines() if "ERROR" in line] or text.strip().splitlines()[-1:]
        told = " ".join(words)[-300:]
        raise CommandFailedError(
            f"{device.serial}: {runner.program} ended with {result.returncode}: {told}", serial=device.serial
        )
    return text
