"""Figures that several reports show, brought to words once."""

from collections.abc import Sequence

from exporter.units import format_size, format_time
from exporter.verdicts import Verdict
from profilers.readings import Obtained, Reading
from profilers.statistics import percentile

PERCENTILES = (50, 90, 95, 99)


def latency_percentiles(readings: Sequence[Reading]) -> dict[str, float] | None:
    """p50, p90, p95 and p99 in seconds of the measured latency; None when there is none."""
    for reading in readings:
        if reading.metric == "latency" and reading.obtained is Obtained.MEASURED:
            return {f"p{rank}": percentile(reading.samples, rank) for rank in PERCENTILES}
    return None


def verdict_value(verdict: Verdict) -> tuple[str, str]:
    """Value and limit of a verdict with their unit."""
    sign = "<= " if verdict.bound == "at most" else ">= "
    limit = "-" if verdict.limit is None else sign + quantity(verdict.limit, verdict.unit)
    return "-" if verdict.value is None else quantity(verdict.value, verdict.unit), limit


def quantity(value: float, unit: str) -> str:
    """A figure with its unit, for people."""
    if unit == "B":
        return format_size(value)
    if unit == "s":
        return format_time(value)
    return f"{value:.4g}" if unit == "1" else f"{value:.4g} {unit}"


def reading_value(reading: Reading) -> str:
    """Median of a reading, or why there is none."""
    if not reading.samples:
        return f"unavailable: {reading.reason}"
    estimated = " (estimated)" if reading.obtained is Obtained.ESTIMATED else ""
    return quantity(percentile(reading.samples, 50), reading.unit) + estimated
