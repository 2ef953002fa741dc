"""Student's t and the binomial distribution, by the regularized incomplete beta function; pure functions.

Formulas are those of the NIST Digital Library of Mathematical Functions (dlmf.nist.gov), chapter 8.17, and of
Abramowitz and Stegun, 26.5 and 26.7.
"""

import math
from collections.abc import Iterator
from itertools import count

_TINY = 1e-300
_EXACT = 1e-16


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function I_x(a, b) for 0 <= x <= 1 and positive `a` and `b`."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast below (8.17.4, 8.17.22)
        return 1 - beta_cdf(1 - x, b, a)
    log_front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) / a / _fraction(_beta_terms(x, a, b))


def t_two_sided(statistic: float, freedom: float) -> float:
    """Probability that Student's t with `freedom` degrees (any positive number) is at least as far from 0."""
    if math.isinf(statistic):
        return 0.0
    square = statistic * statistic
    if square < 1:  # of the two forms (26.7.1), the one whose argument is not close to 1
        return 1 - beta_cdf(square / (freedom + square), 0.5, freedom / 2)
    return beta_cdf(freedom / (freedom + square), freedom / 2, 0.5)


def t_quantile(confidence: float, freedom: float) -> float:
    """The distance from 0 within which Student's t lies with probability `confidence`, which is below 1."""
    low, high = 0.0, 1.0
    while t_two_sided(high, freedom) > 1 - confidence:
        low, high = high, 2 * high
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if t_two_sided(middle, freedom) > 1 - confidence else (low, middle)
    return middle


def binomial_cdf(successes: int, trials: int, share: float) -> float:
    """Probability of at most `successes` in `trials` that succeed with probability `share` each (26.5.24)."""
    if successes >= trials:
        return 1.0
    return beta_cdf(1 - share, trials - successes, successes + 1)


def _beta_terms(x: float, a: float, b: float) -> Iterator[float]:
    """Numerators of the continued fraction (8.17.22)."""
    for m in count():
        if m:
            yield m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))


def _fraction(terms: Iterator[float]) -> float:
    """1 + t1 / (1 + t2 / (1 + ...)), by Lentz's method as Thompson and Barnett changed it (1986)."""
    value, c, d = 1.0, 1.0, 0.0
    for term in terms:
        d = 1 / ((1 + term * d) or _TINY)
        c = (1 + term / c) or _TINY
        value *= c * d
        if abs(c * d - 1) <= _EXACT:
            break
    return value
