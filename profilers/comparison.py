"""Comparison of two sets of samples, and of two profiles of one device reading by reading."""

import math
from collections.abc import Callable, Sequence

from device_harness.frozen import Frozen
from profilers.distributions import t_quantile, t_two_sided
from profilers.readings import Obtained, Reading
from profilers.statistics import mean, percentile, split, variance

# Readings whose samples are of single inferences or processes, and so can be compared.
COMPARED = (
    *("latency", "load_time", "load_cold", "load_warm", "first_inference"),
    *("cpu_time", "memory.peak", "memory.model", "energy.inference", "latency.sustained"),
)


class Comparison(Frozen):
    """Candidate against baseline.

    Attributes:
        ratio: candidate over baseline of the compared percentile.
        low: lower end of the ratio's interval.
        high: upper end of it.
        p_value: probability of a difference this large between two sets of the same program.
        differs: whether a difference is called.
        reason: the finding in a sentence.
    """

    ratio: float
    low: float
    high: float
    p_value: float
    differs: bool
    reason: str


def compare(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    baseline_groups: Sequence[int] = (),
    candidate_groups: Sequence[int] = (),
    q: float = 50.0,
    alpha: float = 0.01,
) -> Comparison:
    """Whether the `q`-th percentile of `candidate` differs from that of `baseline`.

    Welch's t test on the logarithms of the processes' percentiles; both sides need three processes, because from
    fewer nothing is known of how processes differ.
    """
    sides = [
        [math.log(percentile(part, q)) for part in split(samples, groups)]
        for samples, groups in ((baseline, baseline_groups), (candidate, candidate_groups))
    ]
    if min(len(side) for side in sides) < 3:
        ratio = percentile(candidate, q) / percentile(baseline, q)
        return Comparison(
            ratio=ratio,
            low=0.0,
            high=math.inf,
            p_value=1.0,
            differs=False,
            reason="not compared: each side needs samples of at least three processes",
        )
    difference, half, p_value = _welch(sides[0], sides[1], alpha)
    ratio, low, high = (math.exp(difference + shift) for shift in (0.0, -half, half))
    differs = p_value < alpha
    change = f"{(ratio - 1) * 100:+.1f} % ({(low - 1) * 100:+.1f} to {(high - 1) * 100:+.1f} %), p = {p_value:.3g}"
    return Comparison(
        ratio=ratio,
        low=low,
        high=high,
        p_value=p_value,
        differs=differs,
        reason=f"{'differs' if differs else 'no difference shown'}: {change}",
    )


class ReadingChange(Frozen):
    """One metric of two profiles.

    Attributes:
        comparison: None when the two cannot be compared.
        reason: the finding, or why there is none.
    """

    metric: str
    comparison: Comparison | None
    reason: str


Test = Callable[[Reading, Reading], Comparison]
"""Compares a metric's earlier and later reading: `by_processes`, or `profilers.paired.by_rounds` of models in turns."""


def by_processes(then: Reading, now: Reading) -> Comparison:
    """`compare`, of profiles that were made one after the other."""
    return compare(then.samples, now.samples, baseline_groups=then.groups, candidate_groups=now.groups)


def compare_readings(
    before: Sequence[Reading], after: Sequence[Reading], test: Test = by_processes
) -> tuple[ReadingChange, ...]:
    """Every comparable metric that both have, in the order of `after`."""
    earlier = {reading.metric: reading for reading in before}
    both = [(earlier[now.metric], now) for now in after if now.metric in COMPARED and now.metric in earlier]
    return tuple(_change(then, now, test) for then, now in both)


def _change(then: Reading, now: Reading, test: Test) -> ReadingChange:
    reason = incomparable(then, now)
    if reason is not None:
        return ReadingChange(metric=now.metric, comparison=None, reason=f"not compared: {reason}")
    found = test(then, now)
    return ReadingChange(metric=now.metric, comparison=found, reason=found.reason)


def incomparable(then: Reading, now: Reading) -> str | None:
    """Why nothing follows from a difference between the two; None when something may."""
    for reading in (then, now):
        if reading.obtained is not Obtained.MEASURED:
            return f"it is {reading.obtained}"
        if not all(math.isfinite(sample) and sample > 0 for sample in reading.samples):
            return "a sample is not a number above 0"
    first, second = _circumstances(then), _circumstances(now)
    differing = sorted(key for key in {*first, *second} if first.get(key) != second.get(key))
    if differing:
        return "; ".join(f"{key} was {first.get(key)}, is {second.get(key)}" for key in differing)
    return None


def _circumstances(reading: Reading) -> dict[str, str]:
    return {"device": reading.device, "environment": reading.environment, "unit": reading.unit, **reading.conditions}


def _welch(first: Sequence[float], second: Sequence[float], alpha: float) -> tuple[float, float, float]:
    """Difference of the means, half its (1 - alpha) interval, and the two-sided p value."""
    difference = mean(second) - mean(first)
    errors = [variance(side) / len(side) for side in (first, second)]
    error = sum(errors)
    if not error:
        return difference, 0.0, 0.0 if difference else 1.0
    freedom = error**2 / sum(part**2 / (len(side) - 1) for part, side in zip(errors, (first, second), strict=True))
    half = t_quantile(1 - alpha, freedom) * math.sqrt(error)
    return difference, half, t_two_sided(difference / math.sqrt(error), freedom)
