"""Energy of one inference from a meter's trace: (energy under load - idle power x time) / inferences."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from profilers.statistics import coefficient_of_variation

MOST_VARIATION = 0.10


class EnergyTrace(NamedTuple):
    """Energy since an arbitrary beginning: times in seconds of one clock, ascending, and joules."""

    times_s: tuple[float, ...]
    joules: tuple[float, ...]


class LoadWindow(NamedTuple):
    """A loaded phase on the trace's clock and the inferences that it held."""

    start_s: float
    end_s: float
    inferences: int


class EnergyResult(NamedTuple):
    """Joules of one inference, one figure a repeat; `refused` says why they must not be used, or is None."""

    joules: tuple[float, ...]
    idle_watts: tuple[float, ...]
    refused: str | None


def energy_between(trace: EnergyTrace, start_s: float, end_s: float) -> float:
    """Joules that the meter counted from `start_s` to `end_s`, linear between samples.

    Raises:
        ValueError: the trace does not cover the time, or has gaps too long for it (over a fifth of it).
    """
    if end_s <= start_s:
        raise ValueError("the window has no length")
    if len(trace.times_s) < 2 or trace.times_s[0] > start_s or trace.times_s[-1] < end_s:
        raise ValueError("the meter's samples do not cover the window")
    inside = [time for time in trace.times_s if start_s < time < end_s]
    longest = max(after - before for before, after in pairwise([start_s, *inside, end_s]))
    if longest > (end_s - start_s) / 5:
        raise ValueError(f"the meter was silent for {longest:.2g} s of a window of {end_s - start_s:.2g} s")
    return joules_at(trace, end_s) - joules_at(trace, start_s)


def joules_at(trace: EnergyTrace, time_s: float) -> float:
    """What the meter counted until `time_s`, linear between samples; before the first and after the last as there."""
    times, joules = trace
    after = bisect_right(times, time_s)
    if after in (0, len(times)):
        return joules[min(after, len(times) - 1)]
    share = (time_s - times[after - 1]) / (times[after] - times[after - 1])
    return joules[after - 1] + (joules[after] - joules[after - 1]) * share


def integrate_power(times_s: Sequence[float], watts: Sequence[float]) -> EnergyTrace:
    """The energy trace of power samples, by the trapezoid rule."""
    if len(times_s) != len(watts) or not times_s:
        raise ValueError("as many times as powers are needed, and at least one")
    if any(after <= before for before, after in pairwise(times_s)):
        raise ValueError("times must ascend")
    return EnergyTrace(tuple(times_s), tuple(accumulate(trapezoids(times_s, watts), initial=0.0)))


def trapezoids(times_s: Sequence[float], values: Sequence[float]) -> list[float]:
    """The area under `values` between each time and the next."""
    pairs = zip(pairwise(times_s), pairwise(values), strict=True)
    return [(end - start) * (first + second) / 2 for (start, end), (first, second) in pairs]


def energy_per_inference(
    trace: EnergyTrace, idle: Sequence[tuple[float, float]], loads: Sequence[LoadWindow]
) -> EnergyResult:
    """Joules of one inference of each load, above the mean idle power of the baselines before and after it.

    Args:
        trace: the meter's samples, idle and loaded phases in one.
        idle: start and end of the idle baselines: one more than loads, in turn with them.
        loads: the loaded phases.
    """
    if len(idle) != len(loads) + 1:
        raise ValueError("an idle baseline is needed before and after every load")
    idle_watts = [energy_between(trace, start, end) / (end - start) for start, end in idle]
    joules = []
    for position, load in enumerate(loads):
        baseline = (idle_watts[position] + idle_watts[position + 1]) / 2
        used = energy_between(trace, load.start_s, load.end_s)
        joules.append((used - baseline * (load.end_s - load.start_s)) / load.inferences)
    return EnergyResult(tuple(joules), tuple(idle_watts), refusal(joules))


def refusal(joules: Sequence[float]) -> str | None:
    """Why these repeats give no figure, or None: too few, not above idle, or spread too far."""
    if len(joules) < 2:
        return "one repeat shows no spread; at least two are needed"
    if not all(map(math.isfinite, joules)):
        return "a repeat gave no finite figure: the meter's counts are NaN or infinite"
    if min(joules) <= 0:
        return (
            "the power under load was not above the idle power: the meter does not see this model, or idle was not idle"
        )
    variation = coefficient_of_variation(joules)
    if variation > MOST_VARIATION or math.isnan(variation):
        return f"the repeats vary by {variation:.0%} (coefficient of variation), over the {MOST_VARIATION:.0%} allowed"
    return None
