"""A figure against a limit, and a gate that could not be evaluated: what every gate is made of."""

import math

from exporter.data.verdict import Bound, Severity, Status, Verdict


def judge(
    subject: str,
    metric: str,
    value: float,
    unit: str,
    *,
    limit: float,
    bound: Bound,
    reason: str,
    severity: Severity = "error",
) -> Verdict:
    """Compare `value` with `limit`, unrounded; a NaN fails, because nothing is known to hold of it."""
    margin = limit - value if bound == "at most" else value - limit
    passed = not math.isnan(value) and (value <= limit if bound == "at most" else value >= limit)
    return Verdict(
        subject=subject,
        metric=metric,
        value=value,
        unit=unit,
        limit=limit,
        bound=bound,
        status=Status.PASSED if passed else Status.FAILED,
        margin=None if math.isnan(margin) else margin,
        severity=severity,
        reason=reason,
    )


def not_checked(
    subject: str,
    metric: str,
    unit: str,
    reason: str,
    *,
    limit: float | None = None,
    bound: Bound = "at most",
    severity: Severity = "error",
) -> Verdict:
    """A gate that could not be evaluated, with the reason."""
    return Verdict(
        subject=subject,
        metric=metric,
        value=None,
        unit=unit,
        limit=limit,
        bound=bound,
        status=Status.NOT_CHECKED,
        severity=severity,
        reason=reason,
    )
