"""Figures that several reports show, brought to words once."""

from collections.abc import Sequence
from typing import NamedTuple

from exporter.data.record import RunRecord, TargetRecord
from exporter.data.units import format_size, format_time
from exporter.data.verdict import Status, Verdict
from profilers.readings import Obtained, Reading
from profilers.statistics import percentile

THIS_MACHINE = "this machine"
PERCENTILES = (50, 90, 95, 99)


class OtherReadings(NamedTuple):
    """Readings of a device that no profile holds, as records had them before profiles did."""

    device: str
    environment: str
    readings: tuple[Reading, ...]

    @property
    def title(self) -> str:
        """The device, and the environment where it is no device."""
        return self.device if self.environment == "device" else f"{self.device} ({self.environment})"


def host_readings(target: TargetRecord) -> tuple[Reading, ...]:
    """Those that the run took on this machine: none of a device, and none of a profile of this machine."""
    return tuple(reading for reading in _outside_profiles(target) if reading.device == THIS_MACHINE)


def other_readings(target: TargetRecord) -> list[OtherReadings]:
    """Readings of devices outside profiles, by device."""
    groups: dict[tuple[str, str], list[Reading]] = {}
    for reading in _outside_profiles(target):
        if reading.device != THIS_MACHINE:
            groups.setdefault((reading.device, reading.environment), []).append(reading)
    return [OtherReadings(*key, tuple(found)) for key, found in groups.items()]


def _outside_profiles(target: TargetRecord) -> list[Reading]:
    profiled = [reading for item in target.profiles if item.result for reading in item.result.readings]
    return [reading for reading in target.readings if reading not in profiled]


def latency_percentiles(readings: Sequence[Reading]) -> dict[str, float] | None:
    """p50, p90, p95 and p99 in seconds of the measured latency; None when there is none."""
    for reading in readings:
        if reading.metric == "latency" and reading.obtained is Obtained.MEASURED:
            return {f"p{rank}": percentile(reading.samples, rank) for rank in PERCENTILES}
    return None


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


def reading_value(reading: Reading) -> str:
    """Median of a reading, or why there is none."""
    if not reading.samples:
        return f"unavailable: {reading.reason}"
    estimated = " (estimated)" if reading.obtained is Obtained.ESTIMATED else ""
    return quantity(percentile(reading.samples, 50), reading.unit) + estimated
