"""What one device measured, as lines of text: for `profile`, for the tables of a run, and for Markdown."""

from collections.abc import Sequence
from pathlib import Path

from exporter.data.record import DeviceProfile
from exporter.data.units import format_time
from exporter.data.verdict import worst_first
from exporter.report.summary import quantity
from profilers.readings import Obtained, Reading
from profilers.statistics import PERCENTILES, percentile, percentile_estimate
from profilers.steadiness import LEAST_CPU_SHARE, cpu_share, disturbance

OPS_SHOWN = 10


def profile_lines(item: DeviceProfile, *, verdicts: bool = True) -> list[str]:
    """The device with its model and system, every reading, warnings, rejected runs, operators and the output check."""
    if item.result is None:
        return [f"{item.device}: error: {item.error}" if item.error else f"{item.device}: not measured: {item.skipped}"]
    result = item.result
    lines = [f"{Path(result.artifact).name} on {device_title(item)}"]
    lines[0] += "  QUICK DESK CHECK, not for comparison" if result.plan.quick else ""
    lines += [f"  {line}" for line in readings_lines(result.readings)]
    lines += [f"  warning: {words}" for words in result.warnings]
    lines += [f"  rejected: {words}" for words in result.rejected]
    for op in sorted(result.ops, key=lambda op: -op.mean_s)[:OPS_SHOWN]:
        lines.append(f"  op {format_time(op.mean_s)} ({op.share:.1%}): {op.type} {op.name}")
    if result.outputs is not None:
        lines.append(f"  outputs: {result.outputs.reason}")
    for verdict in worst_first(item.verdicts) if verdicts else ():
        lines.append(f"  {verdict.status.value.upper()} {verdict.metric}: {verdict.reason}")
    return lines


def device_title(item: DeviceProfile) -> str:
    """Serial, model or system, and the environment where it is no device."""
    info = item.result.device if item.result else item.info
    if info is None:
        return item.device
    environment = "" if info.environment == "device" else f", {info.environment}"
    return f"{info.serial} ({info.model or info.os or info.kind}{environment})"


def readings_lines(readings: Sequence[Reading]) -> list[str]:
    """One line a reading; latency has its percentiles, its confidence and whether other work disturbed it."""
    return [line for reading in readings for line in _reading_lines(reading, readings)]


def _reading_lines(reading: Reading, readings: Sequence[Reading]) -> list[str]:
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
    reason = disturbance(readings)
    return [*lines, *([f"  unstable: {reason}. {_advice(readings)}"] if reason else [])]


def _advice(readings: Sequence[Reading]) -> str:
    share = cpu_share(readings)
    if share is not None and share < LEAST_CPU_SHARE:
        return "Close other programs, fix the governor, or add --repeat; cpu_time suffers less."
    return "Close other programs, fix the governor, or add --repeat."


def _value(value: float, unit: str) -> str:
    return f"{value * 1e3:.4g} mJ" if unit == "J" else quantity(value, unit)
