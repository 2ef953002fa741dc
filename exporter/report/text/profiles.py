"""What one device measured, as lines of text: for `profile`, for the tables of a run, and for Markdown."""

from pathlib import Path

from exporter.data.profile import Measured, Profile
from exporter.data.units import format_time
from exporter.data.verdict import worst_first
from exporter.report.summary import PERCENTILES, quantity
from profilers.readings import Obtained
from profilers.steadiness import LEAST_CPU_SHARE
from profilers.summary import Statistics, Summary

OPS_SHOWN = 10


def profile_lines(item: Profile, *, verdicts: bool = True) -> list[str]:
    """The device with its model and system, every reading, warnings, rejected runs, operators and the output check."""
    if item.measured is None:
        return [f"{item.device}: error: {item.error}" if item.error else f"{item.device}: not measured: {item.skipped}"]
    quick = item.plan is not None and item.plan.quick
    title = f"{Path(item.artifact).name} on {device_title(item)}" if item.artifact else device_title(item)
    lines = [title + ("  QUICK DESK CHECK, not for comparison" if quick else "")]
    lines += [f"  {line}" for line in readings_lines(item.measured)]
    lines += [f"  warning: {words}" for words in item.warnings]
    lines += [f"  rejected: {words}" for words in item.rejected]
    for op in sorted(item.ops, key=lambda op: -op.mean_s)[:OPS_SHOWN]:
        lines.append(f"  op {format_time(op.mean_s)} ({op.share:.1%}): {op.type} {op.name}")
    if item.outputs is not None:
        lines.append(f"  outputs: {item.outputs.reason}")
    for verdict in worst_first(item.verdicts) if verdicts else ():
        lines.append(f"  {verdict.status.value.upper()} {verdict.metric}: {verdict.reason}")
    return lines


def device_title(item: Profile) -> str:
    """Serial, model or system, and the environment where it is no device."""
    info = item.info
    if info is None:
        return item.device
    environment = "" if info.environment == "device" else f", {info.environment}"
    return f"{info.serial} ({info.model or info.os or info.kind}{environment})"


def readings_lines(measured: Measured) -> list[str]:
    """One line a reading; latency has its percentiles, its confidence and whether other work disturbed it."""
    return [line for reading in measured.readings for line in _reading_lines(reading, measured)]


def _reading_lines(reading: Summary, measured: Measured) -> list[str]:
    found = reading.statistics
    if found is None:
        return [f"{reading.metric}: unavailable: {reading.reason}"]
    mark = "" if reading.obtained is Obtained.MEASURED else f"  (estimated: {reading.reason})"
    if reading.metric != "latency":
        return [f"{reading.metric}: {_value(found.p50, reading.unit)} (median of {found.count}){mark}"]
    return [*_latency_lines(reading, found), *_unstable(measured)]


def _latency_lines(reading: Summary, found: Statistics) -> list[str]:
    figures = ", ".join(f"{rank} {format_time(getattr(found, rank))}" for rank in PERCENTILES)
    interval = f"{format_time(found.p50_low)} to {format_time(found.p50_high)}"
    return [
        f"latency: {figures}  ({found.count} inferences, {found.processes} processes; {reading.source})",
        f"  p50 is {interval} with 95 % confidence ({found.p50_method})",
    ]


def _unstable(measured: Measured) -> list[str]:
    if measured.disturbed is None:
        return []
    waits = measured.cpu_share is not None and measured.cpu_share < LEAST_CPU_SHARE
    advice = f"Close other programs, fix the governor, or add --repeat{'; cpu_time suffers less' if waits else ''}."
    return [f"  unstable: {measured.disturbed}. {advice}"]


def _value(value: float, unit: str) -> str:
    return f"{value * 1e3:.4g} mJ" if unit == "J" else quantity(value, unit)
