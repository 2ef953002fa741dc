"""Readings in words: each under the device that they are of, with the time at which they were taken."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.data.facts.profile import Measured, Profile
from exporter.data.results.record import TargetRecord
from exporter.data.units import format_time
from exporter.report.device_words import cores_words, sustained_words
from exporter.report.summary import quantity
from profilers.readings import Obtained, OpTime
from profilers.steadiness import LEAST_CPU_SHARE
from profilers.summary import Statistics, Summary

PERCENTILES = ("p50", "p90", "p95", "p99")
OPS_SHOWN = 10


def device_title(profile: Profile) -> str:
    """Serial, model or system, and the environment where it is no device."""
    info = profile.info
    if info is None:
        return profile.device
    environment = "" if info.environment == "device" else f", {info.environment}"
    return f"{info.serial} ({info.model or info.os or info.kind}{environment})"


def taken_words(measured: Measured) -> str:
    """``measured 2026-11-27 02:20 UTC``; empty where nothing was measured."""
    taken = [reading.taken_at for reading in measured.readings if reading.statistics]
    return f"measured {min(taken):%Y-%m-%d %H:%M} UTC" if taken else ""


def target_lines(target: TargetRecord) -> list[str]:
    """All readings of a target: this machine's, then each device's under its title."""
    lines = []
    if target.host is not None:
        said = [taken_words(target.host), *target.host.caveats]
        lines += [", ".join(["readings of this machine", *filter(None, said)]), *_indented(readings_lines(target.host))]
    for profile in target.profiles:
        lines += profile_lines(profile)
    return lines


def profile_lines(profile: Profile, *, ops: bool = True) -> list[str]:
    """The device with its model and system, every reading, warnings, rejected runs, operators and the output check.

    Args:
        profile: of one model there.
        ops: whether the slowest operators are among the lines.
    """
    if profile.measured is None:
        why = f"error: {profile.error}" if profile.error else f"not measured: {profile.skipped}"
        return [f"{profile.device}: {why}"]
    return [_title(profile, profile.measured), *_indented(_result_lines(profile, profile.measured, ops=ops))]


def profile_line(profile: Profile) -> list[str]:
    """The device with its latency and when that was taken, in a line; below it what must be said of its readings."""
    if profile.measured is None:
        return profile_lines(profile)
    latency = latency_percentiles(profile.measured)
    figures = f": p50 {format_time(latency['p50'])}, p90 {format_time(latency['p90'])}" if latency else ": no latency"
    said = [*profile.measured.caveats, *profile.warnings, *(f"rejected: {words}" for words in profile.rejected)]
    return [_title(profile, profile.measured) + figures, *_indented(said)]


def _title(profile: Profile, measured: Measured) -> str:
    device = device_title(profile)
    what = f"{Path(profile.artifact).name} on {device}" if profile.artifact else device
    said = ", ".join(filter(None, [what, taken_words(measured)]))
    quick = profile.plan is not None and profile.plan.quick
    return f"{said}  QUICK DESK CHECK, not for comparison" if quick else said


def _result_lines(profile: Profile, measured: Measured, *, ops: bool) -> list[str]:
    outputs = [] if profile.outputs is None else [f"outputs: {profile.outputs.reason}"]
    return [
        *filter(None, [cores_words(profile.cores)]),
        *readings_lines(measured),
        *([f"sustained: {sustained_words(profile.sustained)}"] if profile.sustained else []),
        *([f"error: {profile.error}"] if profile.error else []),
        *(f"warning: {words}" for words in profile.warnings),
        *(f"rejected: {words}" for words in profile.rejected),
        *(f"op {format_time(op.mean_s)} ({op.share:.1%}): {op.type} {op.name}" for op in slowest(profile.ops) if ops),
        *outputs,
    ]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def slowest(ops: Sequence[OpTime]) -> list[OpTime]:
    """The operators that take longest."""
    return sorted(ops, key=lambda op: -op.mean_s)[:OPS_SHOWN]


def readings_lines(measured: Measured) -> list[str]:
    """One line a reading; latency has its percentiles, its confidence and whether other work disturbed it."""
    return [line for reading in measured.readings for line in _reading_lines(reading, measured)]


def _reading_lines(reading: Summary, measured: Measured) -> Iterator[str]:
    found = reading.statistics
    if found is None:
        yield f"{reading.metric}: unavailable: {reading.reason}"
    elif reading.metric == "latency":
        yield from _latency_lines(reading, found)
        yield from _unstable(measured)
    else:
        yield f"{reading.metric}: {_figure(found.p50, reading.unit)} (median of {found.count}){_mark(reading)}"


def _mark(reading: Summary) -> str:
    return "" if reading.obtained is Obtained.MEASURED else f"  (estimated: {reading.reason})"


def _latency_lines(reading: Summary, found: Statistics) -> Iterator[str]:
    figures = ", ".join(f"{rank} {format_time(value)}" for rank, value in _percentiles(found).items())
    counted = f"{found.count} inferences, {found.processes} processes; {reading.source}"
    yield f"latency: {figures}  ({counted}){_mark(reading)}"
    interval = f"{format_time(found.p50_low)} to {format_time(found.p50_high)}"
    yield f"  p50 is {interval} with 95 % confidence ({found.p50_method})"


def _unstable(measured: Measured) -> Iterator[str]:
    if measured.disturbed is not None:
        suffers_less = measured.cpu_share is not None and measured.cpu_share < LEAST_CPU_SHARE
        advice = f"Close other programs, fix the governor, or add --repeat{'; cpu_time suffers less' * suffers_less}."
        yield f"  unstable: {measured.disturbed}. {advice}"


def latency_percentiles(measured: Measured | None) -> dict[str, float] | None:
    """p50, p90, p95 and p99 in seconds of the measured latency; None when there is none."""
    latency = None if measured is None else measured.measured_latency()
    return None if latency is None or latency.statistics is None else _percentiles(latency.statistics)


def _percentiles(found: Statistics) -> dict[str, float]:
    return {rank: getattr(found, rank) for rank in PERCENTILES}


def reading_value(reading: Summary) -> str:
    """Median of a reading, or why there is none."""
    if reading.statistics is None:
        return f"unavailable: {reading.reason}"
    estimated = " (estimated)" if reading.obtained is Obtained.ESTIMATED else ""
    return _figure(reading.statistics.p50, reading.unit) + estimated


def _figure(value: float, unit: str) -> str:
    return f"{value * 1e3:.4g} mJ" if unit == "J" else quantity(value, unit)
