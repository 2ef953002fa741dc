"""The placement gate: how much of a Core ML model the Neural Engine must take."""

import math
from collections.abc import Sequence

from exporter.data.settings.target import Budgets
from exporter.data.verdict import Verdict
from exporter.gates.judge import judge, not_checked
from profilers.readers.placement import BUSY_METRIC, METRIC
from profilers.readings import Obtained, Reading


def judge_placement(subject: str, budgets: Budgets, readings: Sequence[Reading], why_not: str = "") -> list[Verdict]:
    """Verdicts on `budgets.neural_engine`, one a device that has a placement reading; none without such a budget.

    The worst process counts. What Instruments recorded is named in the reason and changes no figure: its table has no
    process identifier, and an empty one proves nothing.

    Args:
        subject: the target's name.
        budgets: the target's.
        readings: of all devices.
        why_not: why these devices say nothing of the target's, as a sentence; empty when they do.
    """
    limit = budgets.neural_engine
    if limit is None:
        return []
    if why_not:
        return [not_checked(subject, METRIC, "1", why_not, limit=limit)]
    placed = [reading for reading in readings if reading.metric == METRIC]
    if not placed:
        reason = "no device was measured: give --device with an iPhone, iPad or Mac"
        return [not_checked(subject, METRIC, "1", reason, limit=limit)]
    return [_judge_one(subject, limit, reading, readings) for reading in placed]


def _judge_one(subject: str, limit: float, reading: Reading, readings: Sequence[Reading]) -> Verdict:
    if reading.obtained is Obtained.UNAVAILABLE:
        return not_checked(subject, METRIC, "1", f"{reading.device}: {reading.reason}", limit=limit)
    if not all(map(math.isfinite, reading.samples)):
        reason = f"{reading.device}: a share of the plan's cost is NaN or infinite"
        return not_checked(subject, METRIC, "1", reason, limit=limit)
    share = min(reading.samples)
    seen = next((one for one in readings if one.metric == BUSY_METRIC and one.device == reading.device), None)
    reason = (
        f"{share:.1%} of the estimated cost is planned for the Neural Engine of {reading.device} ({reading.source})"
    )
    if seen is not None and seen.obtained is Obtained.MEASURED:
        reason += f"; Instruments saw it busy for {sum(seen.samples):.3g} s"
    elif seen is not None:
        reason += "; Instruments recorded nothing of it, which proves nothing"
    return judge(subject, METRIC, share, "1", limit=limit, bound="at least", reason=reason)
