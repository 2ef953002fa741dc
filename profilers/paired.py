"""Two models whose processes took turns: each round's ratio, and the signed-rank test over the rounds.

What slows a device for a while slows both models of a round, and falls out of their ratio. The test (Wilcoxon 1945) and
its interval (Hodges and Lehmann 1963; Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods", 3.1 and 3.3)
are exact whatever the ratios' distribution is, as long as it is symmetric for two models that are equally fast; a round
that other work spoiled counts as one round, however far off it is.
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence

from profilers.comparison import Comparison
from profilers.statistics import percentile, split

ALPHA = 0.02
"""Of false alarms, so that they stay under 5 % where the assumptions hold no more than nearly."""

ROUNDS = 20
"""By default: they find a slow-down of 5 % where processes differ by 2.5 %, and now and then by much more."""


def compare_paired(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    baseline_groups: Sequence[int] = (),
    candidate_groups: Sequence[int] = (),
    q: float = 50.0,
    alpha: float = ALPHA,
) -> Comparison:
    """Whether the `q`-th percentile of `candidate` differs from that of `baseline`, process by process.

    Args:
        baseline: samples above 0, any unit.
        candidate: samples of the same unit.
        baseline_groups: samples of each process, in order; the processes of both took turns.
        candidate_groups: likewise; where one side has more processes, the last of them have no pair and are left out.
        q: percentile of each process.
        alpha: most false alarms.
    """
    before, after = (
        [math.log(percentile(part, q)) for part in split(samples, groups)]
        for samples, groups in ((baseline, baseline_groups), (candidate, candidate_groups))
    )
    differences = [second - first for first, second in zip(before, after, strict=False)]
    if len(differences) < least_rounds(alpha):
        return Comparison(
            ratio=percentile(candidate, q) / percentile(baseline, q),
            low=0.0,
            high=math.inf,
            p_value=1.0,
            differs=False,
            reason=f"not compared: it takes {least_rounds(alpha)} rounds or more, and there were {len(differences)}",
        )
    p_value = signed_rank_p(differences)
    middle, low, high = (math.exp(one) for one in shift(differences, alpha))
    differs = p_value < alpha
    change = f"{(middle - 1) * 100:+.1f} % ({(low - 1) * 100:+.1f} to {(high - 1) * 100:+.1f} %), p = {p_value:.3g}"
    words = "differs" if differs else "no difference shown"
    return Comparison(
        ratio=middle,
        low=low,
        high=high,
        p_value=p_value,
        differs=differs,
        reason=f"{words}: {change} over {len(differences)} rounds",
    )


def least_rounds(alpha: float = ALPHA) -> int:
    """Of which the test can call a difference at all."""
    return math.floor(math.log2(2 / alpha)) + 1


def signed_rank_p(differences: Sequence[float]) -> float:
    """Two-sided p value of the signed-rank test, exact also with ties; differences of 0 say nothing."""
    given = [one for one in differences if one]
    ranks = _doubled_ranks([abs(one) for one in given])
    positive = sum(rank for one, rank in zip(given, ranks, strict=True) if one > 0)
    sums = _sums(ranks)
    whole = 1 << len(ranks)
    below, above = sum(sums[: positive + 1]) / whole, sum(sums[positive:]) / whole
    return min(1.0, 2 * min(below, above))


def shift(differences: Sequence[float], alpha: float) -> tuple[float, float, float]:
    """The Hodges-Lehmann estimate of the middle, and its (1 - alpha) interval; infinite where too few bound it."""
    pairs = itertools.combinations_with_replacement(differences, 2)
    walsh = sorted((first + second) / 2 for first, second in pairs)
    sums = _sums(list(range(1, len(differences) + 1)))
    tail, outside = 0.0, 0
    while (tail := tail + sums[outside] / 2 ** len(differences)) <= alpha / 2:
        outside += 1
    middle = percentile(walsh, 50)
    if not outside:
        return middle, -math.inf, math.inf
    return middle, walsh[outside - 1], walsh[-outside]


def _doubled_ranks(sizes: Sequence[float]) -> list[int]:
    """Twice the rank of each, from the smallest; equal ones share the mean of theirs."""
    ordered = sorted(sizes)
    first = {size: place for place, size in reversed(list(enumerate(ordered)))}
    counts = Counter(ordered)
    return [2 * first[size] + counts[size] + 1 for size in sizes]


def _sums(ranks: Sequence[int]) -> list[int]:
    """How many of the subsets of `ranks` have each sum, from 0 to that of all."""
    found = [1]
    for rank in ranks:
        shifted = [0] * rank + found
        found = [one + other for one, other in zip(found + [0] * rank, shifted, strict=True)]
    return found
