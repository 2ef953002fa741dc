"""Readings in words: each under the device that they are of, with the time at which they were taken."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.data.record import DeviceProfile, RunRecord, TargetRecord
from exporter.data.units import format_time
from exporter.data.verdict import Verdict, worst_first
from exporter.report.facts import host_caveats, host_readings, other_readings, profiles_of, taken_at
from exporter.report.summary import quantity
from profilers.parse.litert.op_profile import OpTime
from profilers.readings import Obtained, Reading
from profilers.session import ProfileResult
from profilers.statistics import PERCENTILES, percentile, percentile_estimate
from profilers.steadiness import LEAST_CPU_SHARE, cpu_share, disturbance

OPS_SHOWN = 10


def device_title(item: DeviceProfile) -> str:
    """Serial, model or system, and the environment where it is no device."""
    info = item.result.device if item.result else item.info
    if info is None:
        return item.device
    environment = "" if info.environment == "device" else f", {info.environment}"
    return f"{info.serial} ({info.model or info.os or info.kind}{environment})"


def taken_words(readings: Sequence[Reading]) -> str:
    """``measured 2026-11-27 02:20 UTC``; empty where nothing was measured."""
    taken = taken_at(readings)
    return "" if taken is None else f"measured {taken:%Y-%m-%d %H:%M} UTC"


def target_lines(target: TargetRecord, record: RunRecord) -> list[str]:
    """All readings of a target: this machine's, then each device's under its title."""
    lines = []
    here = host_readings(target)
    if here:
        said = [taken_words(here), *host_caveats(target, record)]
        lines += [f"readings of this machine, {', '.join(filter(None, said))}", *_indented(readings_lines(here))]
    for item in profiles_of(target):
        lines += profile_lines(item, verdicts=False)
    for others in other_readings(target):
        title = ", ".join(filter(None, [f"readings of {others.title}", taken_words(others.readings)]))
        lines += [title, *_indented(readings_lines(others.readings))]
    return lines


def profile_lines(item: DeviceProfile, *, verdicts: bool = True) -> list[str]:
    """The device with its model and system, every reading, warnings, rejected runs, operators and the output check."""
    if item.result is None:
        return [f"{item.device}: error: {item.error}" if item.error else f"{item.device}: not measured: {item.skipped}"]
    told = _verdict_lines(item.verdicts) if verdicts else []
    return [_title(item, item.result), *_indented([*_result_lines(item.result), *told])]


def _title(item: DeviceProfile, result: ProfileResult) -> str:
    title = ", ".join(
        filter(None, [f"{Path(result.artifact).name} on {device_title(item)}", taken_words(result.readings)])
    )
    return f"{title}  QUICK DESK CHECK, not for comparison" if result.plan.quick else title


def _result_lines(result: ProfileResult) -> list[str]:
    outputs = [] if result.outputs is None else [f"outputs: {result.outputs.reason}"]
    return [
        *readings_lines(result.readings),
        *(f"warning: {words}" for words in result.warnings),
        *(f"rejected: {words}" for words in result.rejected),
        *(f"op {format_time(op.mean_s)} ({op.share:.1%}): {op.type} {op.name}" for op in slowest(result.ops)),
        *outputs,
    ]


def _verdict_lines(verdicts: Sequence[Verdict]) -> list[str]:
    return [f"{one.status.value.upper()} {one.metric}: {one.reason}" for one in worst_first(verdicts)]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def slowest(ops: Sequence[OpTime]) -> list[OpTime]:
    """The operators that take longest."""
    return sorted(ops, key=lambda op: -op.mean_s)[:OPS_SHOWN]


def readings_lines(readings: Sequence[Reading]) -> list[str]:
    """One line a reading; latency has its percentiles, its confidence and whether other work disturbed it."""
    return [line for reading in readings for line in _reading_lines(reading, readings)]


def _reading_lines(reading: Reading, readings: Sequence[Reading]) -> Iterator[str]:
    if reading.obtained is Obtained.UNAVAILABLE:
        yield f"{reading.metric}: unavailable: {reading.reason}"
    elif reading.metric == "latency":
        yield from _latency_lines(reading, readings)
    else:
        yield f"{reading.metric}: {_median(reading)} (median of {len(reading.samples)}){_mark(reading)}"


def _mark(reading: Reading) -> str:
    return "" if reading.obtained is Obtained.MEASURED else f"  (estimated: {reading.reason})"


def _latency_lines(reading: Reading, readings: Sequence[Reading]) -> Iterator[str]:
    samples = reading.samples
    middle = percentile_estimate(samples, 50, groups=reading.groups)
    figures = ", ".join(f"p{q:g} {format_time(percentile(samples, q))}" for q in PERCENTILES)
    counted = f"{len(samples)} inferences, {max(1, len(reading.groups))} processes; {reading.source}"
    yield f"latency: {figures}  ({counted}){_mark(reading)}"
    yield f"  p50 is {format_time(middle.low)} to {format_time(middle.high)} with 95 % confidence ({middle.method})"
    reason = disturbance(readings)
    if reason:
        yield f"  unstable: {reason}. {_advice(readings)}"


def _advice(readings: Sequence[Reading]) -> str:
    share = cpu_share(readings)
    suffers_less = share is not None and share < LEAST_CPU_SHARE
    return f"Close other programs, fix the governor, or add --repeat{'; cpu_time suffers less' * suffers_less}."


def latency_percentiles(readings: Sequence[Reading]) -> dict[str, float] | None:
    """p50, p90, p95 and p99 in seconds of the measured latency; None when there is none."""
    for reading in readings:
        if reading.metric == "latency" and reading.obtained is Obtained.MEASURED:
            return {f"p{rank:g}": percentile(reading.samples, rank) for rank in PERCENTILES}
    return None


def reading_value(reading: Reading) -> str:
    """Median of a reading, or why there is none."""
    if not reading.samples:
        return f"unavailable: {reading.reason}"
    estimated = " (estimated)" if reading.obtained is Obtained.ESTIMATED else ""
    return _median(reading) + estimated


def _median(reading: Reading) -> str:
    value = percentile(reading.samples, 50)
    return f"{value * 1e3:.4g} mJ" if reading.unit == "J" else quantity(value, reading.unit)
