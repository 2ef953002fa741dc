"""Judges a device's readings by a target's budgets: on the confidence bound, not on the mean."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from exporter.data.settings.target import Budgets
from exporter.data.units import format_time
from exporter.data.verdict import Status, Verdict
from exporter.gates.judge import judge, not_checked
from profilers.readings import Obtained, Reading
from profilers.result import OutputCheck
from profilers.statistics import Estimate, mean_estimate, percentile_estimate
from profilers.steadiness import LEAST_CPU_SHARE, cpu_share

# ARM's and x86's kernels round differently; a wrong kernel is far below this.
LEAST_OUTPUT_SNR_DB = 30.0
MODEL_MEMORY = "growth of the process's peak memory over what it had before it loaded the model"


class _Gate(NamedTuple):
    """A budget, the readings that can decide it (the first one found does), and the verdict's metric and unit.

    benchmark_model gives a percentile itself, one a process, instead of samples, and calls the model's memory growth.
    """

    budget: str
    readings: tuple[str, ...]
    percentile: float | None
    metric: str
    unit: str


_GATES = (
    _Gate("latency_p50", ("latency", "latency.p50"), 50.0, "latency.p50", "s"),
    _Gate("latency_p90", ("latency", "latency.p90"), 90.0, "latency.p90", "s"),
    _Gate("load_time", ("load_time",), None, "load_time", "s"),
    _Gate("load_cold", ("load_cold",), None, "load_cold", "s"),
    _Gate("load_warm", ("load_warm",), None, "load_warm", "s"),
    _Gate("first_inference", ("first_inference",), None, "first_inference", "s"),
    _Gate("peak_memory", ("memory.model", "memory.growth"), None, "memory.peak", "B"),
    _Gate("energy", ("energy.inference",), None, "energy.inference", "J"),
)


def judge_readings(subject: str, readings: Sequence[Reading], budgets: Budgets, why_not: str = "") -> list[Verdict]:
    """One verdict for every budget that is set, and one for the accelerator where GPU or NPU was asked for.

    A budget holds when the upper end of the 95 % confidence interval is within it. Readings that are unavailable,
    estimated, not finite, disturbed, taken by a quick plan, of an emulator or simulator, or of another accelerator than
    the one asked for, are not checked.

    Args:
        subject: target or file, with the device.
        readings: of one model on one device.
        budgets: the target's.
        why_not: why nothing that was read there says anything of the target, as a sentence; empty when it does.
    """
    elsewhere = why_not or _not_on_accelerator(readings)
    verdicts = []
    for gate in _GATES:
        limit = getattr(budgets, gate.budget)
        if limit is None:
            continue
        found = [reading for name in gate.readings for reading in readings if reading.metric == name]
        reason = elsewhere or (_disturbed(readings) if gate.metric.startswith("latency") else "")
        if not found and gate.budget == "peak_memory" and any(one.metric == "memory.peak" for one in readings):
            reason = reason or f"What ran the model tells the whole process's peak, not the {MODEL_MEMORY}."
        verdicts.append(_judge(subject, gate, limit, found[0] if found else None, reason))
    return [*verdicts, *_accelerator(subject, readings, why_not)]


def judge_outputs(subject: str, check: OutputCheck | None, why_not: str = "") -> Verdict:
    """Whether the device computes what this machine computes, at the worst output.

    Args:
        subject: file and device.
        check: None when nothing was compared.
        why_not: why, as a sentence.
    """
    metric, limit = "outputs.snr", LEAST_OUTPUT_SNR_DB
    if check is None or not check.checked:
        told = f"Outputs on the device: {check.reason}." if check else why_not
        return not_checked(
            subject, metric, "dB", told or "The outputs were not compared with this machine's.", limit=limit
        )
    value = math.nan if check.snr_db is None else check.snr_db
    verdict = judge(
        subject, metric, value, "dB", limit=limit, bound="at least", reason=f"Outputs on the device: {check.reason}."
    )
    wrong = {"value": check.snr_db, "status": Status.FAILED, "margin": None}
    return verdict.model_copy(update=wrong) if check.wrong else verdict


def _judge(subject: str, gate: _Gate, limit: float, reading: Reading | None, elsewhere: str) -> Verdict:
    name, unit = gate.metric, gate.unit
    reason = elsewhere or _why_not(reading)
    if reading is None or reason is not None:
        return not_checked(subject, name, unit, reason or "", limit=limit)
    estimate = _estimate(reading, gate.percentile)
    if not (math.isfinite(estimate.high) and math.isfinite(estimate.value)):
        return not_checked(
            subject, name, unit, f"{len(reading.samples)} samples do not bound {name}; measure more.", limit=limit
        )
    inside = estimate.value <= limit < estimate.high
    words = (
        f"{_show(estimate.value, unit)}, 95 % confident to be at most {_show(estimate.high, unit)} ({estimate.method})"
    )
    if gate.budget == "peak_memory":
        words = f"{_show(estimate.value, unit)}: {MODEL_MEMORY}, {estimate.method}; {reading.source}"
    note = "; the figure itself is within the budget: more processes may decide it" if inside else ""
    return judge(subject, name, estimate.high, unit, limit=limit, bound="at most", reason=f"{words}{note}.")


def _estimate(reading: Reading, percentile: float | None) -> Estimate:
    if percentile is not None and reading.metric == "latency":
        return percentile_estimate(reading.samples, percentile, groups=reading.groups)
    if reading.metric.startswith("memory."):
        # The most that any process took: memory kills at its highest, not at its average.
        most = max(reading.samples)
        return Estimate(most, most, most, 0.95, f"highest of {len(reading.samples)} processes")
    return mean_estimate(reading.samples)


def _why_not(reading: Reading | None) -> str | None:
    if reading is None:
        return "There is no such reading of this device: what ran the model does not give it."
    if reading.obtained is Obtained.UNAVAILABLE:
        return f"Unavailable: {reading.reason}."
    if reading.obtained is Obtained.ESTIMATED:
        return f"Only estimated: {reading.reason}."
    if reading.environment != "device":
        return f"Measured on a {reading.environment}, which says nothing of a device."
    if reading.conditions.get("quick") == "true":
        return "Measured by a quick desk check; leave out --quick to judge it."
    if not all(map(math.isfinite, reading.samples)):
        return "A sample is NaN or infinite: the meter or the runner is at fault."
    return None


def _disturbed(readings: Sequence[Reading]) -> str:
    share = cpu_share(readings)
    if share is None or share >= LEAST_CPU_SHARE:
        return ""
    return (
        f"The model had a CPU for only {share:.0%} of the time: other work disturbed it. "
        "Close other programs and measure again."
    )


def _asked_and_used(readings: Sequence[Reading]) -> tuple[str, str] | None:
    """The accelerator that was asked for and what the model ran on; None where only the CPU was asked for."""
    latency = next((reading for reading in readings if reading.metric.startswith("latency")), None)
    asked = latency.conditions.get("accelerator", "cpu") if latency else "cpu"
    if latency is None or asked not in ("gpu", "npu"):
        return None
    return asked, latency.conditions.get("ran_on", "unknown")


def _not_on_accelerator(readings: Sequence[Reading]) -> str:
    """Why the readings are not of the accelerator that was asked for; empty when they are."""
    found = _asked_and_used(readings)
    if found is None or found[0] == found[1]:
        return ""
    return _placed(*found)


def _placed(asked: str, used: str) -> str:
    if used == "unknown":
        return f"The runtime does not tell whether the {asked.upper()} was used."
    words = {"cpu": "all of it ran on the CPU", "mixed": "a part of it ran on the CPU"}.get(
        used, f"it ran on the {used.upper()}"
    )
    return f"The {asked.upper()} was asked for; {words}."


def _accelerator(subject: str, readings: Sequence[Reading], why_not: str) -> list[Verdict]:
    found = _asked_and_used(readings)
    if found is None:
        return []
    asked, used = found
    metric = "accelerator"
    environment = next((reading.environment for reading in readings if reading.environment != "device"), None)
    if why_not or environment is not None or used == "unknown":
        elsewhere = f"Measured on a {environment}, which says nothing of a device." if environment else ""
        return [not_checked(subject, metric, "1", why_not or elsewhere or _placed(asked, used))]
    value = float(used == asked)
    return [judge(subject, metric, value, "1", limit=1.0, bound="at least", reason=_placed(asked, used))]


def _show(value: float, unit: str) -> str:
    if unit == "s":
        return format_time(value)
    return f"{value / 1e6:.4g} MB" if unit == "B" else f"{value * 1e3:.4g} mJ"
