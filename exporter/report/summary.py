"""Figures that several reports show, brought to words once."""

from exporter.data.profile import Measured
from exporter.data.record import RunRecord
from exporter.data.units import format_size, format_time
from exporter.data.verdict import Status, Verdict
from profilers.readings import Obtained
from profilers.summary import Summary

PERCENTILES = ("p50", "p90", "p95", "p99")


def latency_percentiles(measured: Measured | None) -> dict[str, float] | None:
    """p50, p90, p95 and p99 in seconds of the measured latency; None when there is none."""
    latency = None if measured is None else measured.measured_latency()
    if latency is None or latency.statistics is None:
        return None
    return {rank: getattr(latency.statistics, rank) for rank in PERCENTILES}


_OUTCOMES = {1: "A gate failed.", 2: "Some input was wrong.", 3: "A tool failed."}


def outcome_words(record: RunRecord) -> str:
    """How a run ended, in a sentence; all gates passed only where every gate was checked and passed."""
    found = [verdict.status for verdict in record.verdicts()]
    passed, failed, unchecked = (found.count(status) for status in Status)
    if record.exit_code == 1 and not any(
        verdict.status is Status.FAILED and verdict.severity == "error" for verdict in record.verdicts()
    ):
        return f"{_gates(unchecked)} not checked, which --strict does not let pass."
    if record.exit_code:
        return _OUTCOMES.get(record.exit_code, f"The run ended with exit code {record.exit_code}.")
    if not found:
        return "There were no gates."
    if failed or unchecked:
        parts = ((f"{failed} failed with a warning", failed), (f"{unchecked} not checked", unchecked))
        return ", ".join([f"{_gates(passed)} passed", *(words for words, count in parts if count)]) + "."
    return "All gates passed."


def _gates(count: int) -> str:
    return f"{count} gate{'' if count == 1 else 's'}"


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


def reading_value(reading: Summary) -> str:
    """Median of a reading, or why there is none."""
    if reading.statistics is None:
        return f"unavailable: {reading.reason}"
    estimated = " (estimated)" if reading.obtained is Obtained.ESTIMATED else ""
    return quantity(reading.statistics.p50, reading.unit) + estimated
