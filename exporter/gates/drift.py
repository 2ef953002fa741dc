"""Judges whether a phone still is what it was: a reference model against the phone's own nights before."""

import math
from collections.abc import Sequence

from exporter.data.lab import Night
from exporter.data.units import format_time
from exporter.data.verdict import Verdict
from exporter.gates.judge import judge, not_checked
from profilers.distributions import t_quantile
from profilers.statistics import mean, variance

METRIC = "latency.drift"
LEAST_NIGHTS = 5
MOST_NIGHTS = 30
CONFIDENCE = 0.99
LEAST_SHARE = 0.02
"""A change that is smaller is none that anybody would look for, however quiet the phone is."""


def judge_drift(now: Night, before: Sequence[Night]) -> Verdict:
    """Whether a night lies where one more of those before it lies with 99 % probability (Student's t, of logarithms).

    Args:
        now: the last night.
        before: all that is known of the phone, in order; those that are not comparable, had drifted, or were before one
            that somebody accepted, do not count.
    """
    usual = comparable(now, before)
    if len(usual) < LEAST_NIGHTS:
        reason = f"{len(usual)} earlier nights can be compared with it, and {LEAST_NIGHTS} are needed."
        return not_checked(now.device, METRIC, "1", reason)
    logs = [math.log(night.latency_s) for night in usual]
    middle, change = math.exp(mean(logs)), math.log(now.latency_s) - mean(logs)
    wide = t_quantile(CONFIDENCE, len(logs) - 1) * math.sqrt(variance(logs) * (1 + 1 / len(logs)))
    limit = max(math.expm1(wide), LEAST_SHARE)
    away = math.expm1(abs(change))
    way = "slower" if change > 0 else "faster"
    return judge(
        now.device,
        METRIC,
        away,
        "1",
        limit=limit,
        bound="at most",
        reason=f"{format_time(now.latency_s)}, {away:.1%} {way} than the {format_time(middle)} of {len(usual)} nights; "
        f"its noise is {limit:.1%}.",
    )


def unmeasured_night(device: str, reason: str) -> Verdict:
    """Of a phone on which nothing was measured; `reason` is a sentence."""
    return not_checked(device, METRIC, "1", reason)


def accepted_night(verdict: Verdict) -> Verdict:
    """What `verdict` becomes where somebody said that the phone now is as it is to be."""
    return unmeasured_night(verdict.subject, f"Accepted as what later nights are held against. {verdict.reason}")


def comparable(now: Night, before: Sequence[Night]) -> list[Night]:
    """The last nights that count."""
    own = [night for night in before if night.device == now.device]
    begin = max((place for place, night in enumerate(own) if night.accepted), default=0)
    same = [
        night
        for night in own[begin:]
        if (night.sha256, night.conditions) == (now.sha256, now.conditions) and not night.drifted
    ]
    return same[-MOST_NIGHTS:]
