"""Two models whose processes took turns: each round's ratio, and the signed-rank test over the rounds.

What slows a device for a while slows both models of a round, and falls out of their ratio. The test (Wilcoxon 1945) and
its interval (Hodges and Lehmann 1963; Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods", 3.1 and 3.3)
are exact whatever the ratios' distribution is, as long as it is symmetric for two models that are equally fast; a round
that other work spoiled counts as one round, however far off it is.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from profilers.comparison import Comparison
from profilers.readings import Reading
from profilers.statistics import percentile, split

ALPHA = 0.02
"""Of false alarms, so that they stay under 5 % where the assumptions hold no more than nearly."""

ROUNDS = 30
"""By default: they find a slow-down of 5 % where rounds differ by 5 %, and now and then by much more."""

TURNS: Mapping[str, object] = {
    "processes": ROUNDS,
    "warmup_runs": 3,
    "warmup_min_s": 0.2,
    "runs": 20,
    "min_s": 0.6,
    "energy_repeats": 0,
    "cold_loads": 0,
}
"""Of the plan of several models: many short rounds tell them apart; energy takes a plan of one's own."""


def by_rounds(then: Reading, now: Reading, *, q: float = 50.0, alpha: float = ALPHA) -> Comparison:
    """Whether the `q`-th percentile of `now` differs from that of `then`, round by round.

    Where the processes of a round took turns, its ratio is the median of the ratios of turns that followed each other:
    other work that comes and goes within a round would otherwise decide, by chance, which side's percentile falls
    into it.

    Args:
        then: of a model; the processes of both took turns. Where one side has more, the last have no pair and are left
            out.
        now: of another model, in the same unit.
        q: percentile of each process, or turn.
        alpha: most false alarms.
    """
    rounds = [_ratio(first, second, q) for first, second in zip(_turns(then), _turns(now), strict=False)]
    if len(rounds) < least_rounds(alpha):
        return Comparison(
            ratio=percentile(now.samples, q) / percentile(then.samples, q),
            low=0.0,
            high=math.inf,
            p_value=1.0,
            differs=False,
            reason=f"not compared: it takes {least_rounds(alpha)} rounds or more, and there were {len(rounds)}",
        )
    p_value = signed_rank_p(rounds)
    middle, low, high = (math.exp(one) for one in shift(rounds, alpha))
    differs = p_value < alpha
    change = f"{(middle - 1) * 100:+.1f} % ({(low - 1) * 100:+.1f} to {(high - 1) * 100:+.1f} %), p = {p_value:.3g}"
    words = "differs" if differs else "no difference shown"
    what = ", turn by turn" if then.turns and now.turns else ""
    return Comparison(
        ratio=middle,
        low=low,
        high=high,
        p_value=p_value,
        differs=differs,
        reason=f"{words}: {change} over {len(rounds)} rounds{what}",
    )


def _turns(reading: Reading) -> list[list[Sequence[float]]]:
    """The samples of each process, cut into its turns; one turn where it took none."""
    processes = split(reading.samples, reading.groups)
    if not reading.turns:
        return [[samples] for samples in processes]
    turns = iter(split(reading.samples, reading.turns))
    return [_filled(turns, len(samples)) for samples in processes]


def _filled(turns: Iterator[Sequence[float]], count: int) -> list[Sequence[float]]:
    """As many of `turns` as make `count` samples."""
    found: list[Sequence[float]] = []
    while sum(map(len, found)) < count:
        found.append(next(turns))
    return found


def _ratio(then: Sequence[Sequence[float]], now: Sequence[Sequence[float]], q: float) -> float:
    """Logarithm of a round's ratio; a turn that one side has more has no pair."""
    pairs = zip(then, now, strict=False)
    return percentile([math.log(percentile(second, q) / percentile(first, q)) for first, second in pairs], 50)


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
