"""Verdicts and figures, brought to words once for every renderer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from exporter.data.units import format_size, format_time
from exporter.data.verdict import Status, Verdict

if TYPE_CHECKING:
    from exporter.data.results.record import RunRecord

_OUTCOMES = {1: "A gate failed.", 2: "Some input was wrong.", 3: "A tool failed."}


def outcome_words(record: "RunRecord") -> str:
    """How a run ended, in a sentence; all gates passed only where every gate was checked and passed."""
    verdicts = record.verdicts()
    unchecked = counts(verdicts)[Status.NOT_CHECKED]
    if record.exit_code == 1 and not any(map(fails, verdicts)):
        return f"{_gates(unchecked)} not checked, which --strict does not let pass."
    if record.exit_code:
        return _OUTCOMES.get(record.exit_code, f"The run ended with exit code {record.exit_code}.")
    return _good_words(counts(verdicts))


def _good_words(found: dict[str, int]) -> str:
    passed, failed, unchecked = (found[status] for status in Status)
    if not any(found.values()):
        return "There were no gates."
    parts = ((f"{failed} failed with a warning", failed), (f"{unchecked} not checked", unchecked))
    told = [words for words, count in parts if count]
    return ", ".join([f"{_gates(passed)} passed", *told]) + "." if told else "All gates passed."


def _gates(count: int) -> str:
    return f"{count} gate{'' if count == 1 else 's'}"


def tally(verdicts: Sequence[Verdict]) -> str:
    """How many gates came to what, as a sentence."""
    found = counts(verdicts)
    failed, passed = sum(map(fails, verdicts)), found[Status.PASSED]
    if passed == len(verdicts):
        return f"All {passed} gates passed." if passed > 1 else "The gate passed." if passed else "There were no gates."
    figures = (
        (failed, "failed"),
        (found[Status.FAILED] - failed, "failed with a warning"),
        (found[Status.NOT_CHECKED], "not checked"),
        (passed, "passed"),
    )
    parts = [f"{count} {word}" for count, word in figures if count]
    return f"Of {_gates(len(verdicts))}, {', '.join(parts)}."


def headline(verdicts: Sequence[Verdict]) -> str:
    """How many gates failed, warned and were not checked, in a few words."""
    failed = sum(map(fails, verdicts))
    found = counts(verdicts)
    figures = (
        (failed, "failed"),
        (found[Status.FAILED] - failed, "warned"),
        (found[Status.NOT_CHECKED], "not checked"),
    )
    parts = [f"{count} {word}" for count, word in figures if count]
    if parts:
        return ", ".join(parts)
    return "all gates passed" if verdicts else "no gates"


def counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many there are of each status."""
    return {status.value: sum(verdict.status is status for verdict in verdicts) for status in Status}


def fails(verdict: Verdict) -> bool:
    """Whether it alone makes a command end with 1."""
    return verdict.status is Status.FAILED and verdict.severity == "error"


def status_word(verdict: Verdict) -> str:
    """The status as people read it: a failed gate that fails nothing is a warning, or waived."""
    if verdict.status is not Status.FAILED or fails(verdict):
        return verdict.status.value
    return "waived" if verdict.waiver else "warning"


def excused(verdict: Verdict) -> str:
    """The reason, with the waiver where there is one."""
    return verdict.reason if verdict.waiver is None else f"{verdict.reason} ({verdict.waiver})"


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
