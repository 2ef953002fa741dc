"""Judges a device's readings by a target's budgets: on the confidence bound, not on the mean."""

import math
from collections.abc import Sequence

from exporter.targets.settings import Budgets
from exporter.units import format_time
from exporter.verdicts import Status, Verdict, judge, not_checked
from profilers.output_check import OutputCheck
from profilers.readings import Obtained, Reading
from profilers.statistics import Estimate, mean_estimate, percentile_estimate

# ARM's and x86's kernels round differently; a wrong kernel is far below this.
LEAST_OUTPUT_SNR_DB = 30.0
_GATES = (
    ("latency_p50", "latency", 50.0, "latency.p50", "s"),
    ("latency_p90", "latency", 90.0, "latency.p90", "s"),
    ("peak_memory", "memory.peak", None, "memory.peak", "B"),
    ("energy", "energy.inference", None, "energy.inference", "J"),
)


def judge_readings(subject: str, readings: Sequence[Reading], budgets: Budgets) -> list[Verdict]:
    """One verdict for every budget that is set, and one for the accelerator where GPU or NPU was asked for.

    A budget holds when the upper end of the 95 % confidence interval is within it. Readings that are unavailable,
    estimated, taken by a quick plan, or of an emulator or simulator are not checked.

    Args:
        subject: target or file, with the device.
        readings: of one model on one device.
        budgets: the target's.
    """
    verdicts = []
    for budget, metric, percentile, name, unit in _GATES:
        limit = getattr(budgets, budget)
        if limit is not None:
            # benchmark_model gives the percentile itself, one a process, instead of samples.
            found = [reading for reading in readings if reading.metric in (metric, name)]
            verdicts.append(_judge(subject, name, unit, limit, found[0] if found else None, percentile))
    return [*verdicts, *_accelerator(subject, readings)]


def judge_outputs(subject: str, check: OutputCheck | None) -> Verdict:
    """Whether the device computes what this machine computes."""
    metric = "outputs.snr"
    if check is None:
        return not_checked(subject, metric, "dB", "The outputs were not compared with this machine's.",
                           limit=LEAST_OUTPUT_SNR_DB)  # fmt: skip
    value = math.nan if check.snr_db is None else check.snr_db
    return judge(subject, metric, value, "dB", limit=LEAST_OUTPUT_SNR_DB, bound="at least",
                 reason=f"Outputs on the device: {check.reason}.")  # fmt: skip


def _judge(
    subject: str, name: str, unit: str, limit: float, reading: Reading | None, percentile: float | None
) -> Verdict:
    reason = _why_not(reading)
    if reading is None or reason is not None:
        return not_checked(subject, name, unit, reason or "", limit=limit)
    estimate = _estimate(reading, percentile)
    if not math.isfinite(estimate.high):
        return not_checked(subject, name, unit, f"{len(reading.samples)} samples do not bound {name}; measure more.",
                           limit=limit)  # fmt: skip
    inside = estimate.value <= limit < estimate.high
    words = (
        f"{_show(estimate.value, unit)}, 95 % confident to be at most {_show(estimate.high, unit)} ({estimate.method})"
    )
    note = "; the figure itself is within the budget: more processes may decide it" if inside else ""
    return judge(subject, name, estimate.high, unit, limit=limit, bound="at most", reason=f"{words}{note}.")


def _estimate(reading: Reading, percentile: float | None) -> Estimate:
    if percentile is not None and reading.metric == "latency":
        return percentile_estimate(reading.samples, percentile, groups=reading.groups)
    if reading.metric == "memory.peak":
        # The most that any process took: memory kills at its highest, not at its average.
        most = max(reading.samples)
        return Estimate(most, most, most, 0.95, f"highest of {len(reading.samples)} processes")
    return mean_estimate(reading.samples)


def _why_not(reading: Reading | None) -> str | None:
    if reading is None:
        return "There is no such reading of this device."
    if reading.obtained is Obtained.UNAVAILABLE:
        return f"Unavailable: {reading.reason}."
    if reading.obtained is Obtained.ESTIMATED:
        return f"Only estimated: {reading.reason}."
    if reading.environment != "device":
        return f"Measured on a {reading.environment}, which says nothing of a device."
    if reading.conditions.get("quick") == "true":
        return "Measured by a quick desk check; leave out --quick to judge it."
    return None


def _accelerator(subject: str, readings: Sequence[Reading]) -> list[Verdict]:
    latency = next((reading for reading in readings if reading.metric.startswith("latency")), None)
    asked = latency.conditions.get("accelerator", "cpu") if latency else "cpu"
    if asked == "cpu" or latency is None:
        return []
    used = latency.conditions.get("ran_on", "unknown")
    metric = "accelerator"
    if used == "unknown":
        return [not_checked(subject, metric, "1", f"The runtime does not tell whether the {asked.upper()} was used.")]
    passed = used == asked
    words = {"cpu": "all of it ran on the CPU", "mixed": "a part of it ran on the CPU"}.get(
        used, f"it ran on the {used.upper()}"
    )
    return [
        Verdict(
            subject=subject, metric=metric, value=float(passed), unit="1", limit=1.0, bound="at least",
            status=Status.PASSED if passed else Status.FAILED, margin=float(passed) - 1.0,
            reason=f"The {asked.upper()} was asked for; {words}.",
        )
    ]  # fmt: skip


def _show(value: float, unit: str) -> str:
    if unit == "s":
        return format_time(value)
    return f"{value / 1e6:.4g} MB" if unit == "B" else f"{value * 1e3:.4g} mJ"
