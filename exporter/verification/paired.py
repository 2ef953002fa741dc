"""What a sample can decide: intervals of paired differences of accuracy, and whether accuracy is above chance."""

import math
from typing import NamedTuple

Z_95 = 1.959963984540054
CHANCE_P = 0.05
"""A source whose hits are this probable by guessing is at chance level."""


class Interval(NamedTuple):
    """A figure and its two-sided 95 % confidence interval."""

    value: float
    low: float
    high: float


def paired_drop(lost: int, gained: int, examples: int) -> Interval:
    """Share of examples lost from source to artifact, both judged on the same examples.

    The interval is Wald's with half an example added to each of the four cells (Agresti and Min, "Simple improved
    confidence intervals for comparing matched proportions", Statistics in Medicine 24, 2005).

    Args:
        lost: right in the source alone.
        gained: right in the artifact alone.
        examples: all of them, at least 1.
    """
    count = examples + 2
    center = (lost - gained) / count
    variance = (lost + gained + 1) / count - center**2
    half = Z_95 * math.sqrt(max(0.0, variance) / count)
    value = (lost - gained) / examples
    return Interval(value, max(-1.0, min(value, center - half)), min(1.0, max(value, center + half)))


def at_chance(hits: int, answers: int, share: float) -> bool:
    """Whether a guess, which gets `share` of answers right, has as many `hits` with a probability above `CHANCE_P`."""
    return binomial_tail(hits, answers, share) > CHANCE_P


def binomial_tail(hits: int, trials: int, share: float) -> float:
    """Probability of at least `hits` successes in `trials`, each with probability `share` in (0, 1)."""
    if hits <= 0:
        return 1.0
    logs = (
        math.lgamma(trials + 1)
        - math.lgamma(k + 1)
        - math.lgamma(trials - k + 1)
        + k * math.log(share)
        + (trials - k) * math.log1p(-share)
        for k in range(hits, trials + 1)
    )
    return min(1.0, math.fsum(math.exp(value) for value in logs))
