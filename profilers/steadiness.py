"""Whether other work disturbed a measurement, from the readings themselves."""

import math
from collections.abc import Sequence

from profilers.readings import Obtained, Reading
from profilers.statistics import coefficient_of_variation, percentile, split, spread

LEAST_CPU_SHARE = 0.95
"""Of the time of a median inference on the CPU; other programs took the rest."""
UNSTABLE = 0.05
"""Spread of the processes' medians; samples of a single process may vary by twice as much."""


def cpu_share(readings: Sequence[Reading]) -> float | None:
    """The part of the time that the model had a CPU: of the median inference, and of the whole measured phase.

    The smaller of the two, for a few long waits move no median. None where nothing is known of it, and where a GPU or
    NPU did the work: then the processor waits.
    """
    latency, cpu_time = _measured(readings, "latency"), _measured(readings, "cpu_time")
    if latency is None or cpu_time is None:
        return None
    on_cpu = "cpu" in (latency.conditions.get("ran_on"), latency.conditions.get("accelerator"))
    middle = percentile(latency.samples, 50)
    if not on_cpu or latency.conditions.get("ran_on", "cpu") != "cpu" or not middle > 0:
        return None
    shares = [percentile(cpu_time.samples, 50) / middle]
    use = _measured(readings, "cpu_utilization")
    if use is not None:
        shares.append(percentile(use.samples, 50))
    return min(shares) if all(map(math.isfinite, shares)) else None


def disturbance(readings: Sequence[Reading]) -> str | None:
    """Why these readings of one model on one device must not be compared with others, as a clause; None when steady."""
    latency = _measured(readings, "latency")
    if latency is None:
        return None
    share = cpu_share(readings)
    if share is not None and share < LEAST_CPU_SHARE:
        return f"the model had a CPU for only {share:.0%} of the time; other programs ran"
    if len(latency.groups) > 1:
        between = spread([percentile(part, 50) for part in split(latency.samples, latency.groups)])
        if not between <= UNSTABLE:
            return f"the processes' medians spread by {between:.0%}; other work ran, or the frequency changed"
        return None
    within = coefficient_of_variation(latency.samples)
    return None if within <= 2 * UNSTABLE or len(latency.samples) < 2 else f"samples vary by {within:.0%}"


def _measured(readings: Sequence[Reading], metric: str) -> Reading | None:
    found = (reading for reading in readings if reading.metric == metric)
    return next((reading for reading in found if reading.obtained is Obtained.MEASURED), None)
