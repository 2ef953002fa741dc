"""Verdict: the one type of every gate, whether it judges size, parity, accuracy, latency, memory or energy.

Only `exporter.gates` makes verdicts; here they are described and put in order.
"""

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from exporter.data.base import Frozen

Bound = Literal["at most", "at least"]
Severity = Literal["error", "warning"]


class Status(StrEnum):
    """What a gate found. Not checked is never passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


class Verdict(Frozen):
    """One judged fact.

    Attributes:
        subject: what was judged: a target's name or a file's path.
        metric: dotted name of the figure, for example ``size``, ``parity.snr`` or ``latency.p90``.
        value: the figure in `unit`, or None when it could not be had.
        unit: an SI unit, ``B``, ``dB``, ``points`` (of percent), or ``1`` for a plain ratio.
        limit: the bound in `unit`, or None where the figure is only shown.
        bound: whether `limit` is the most or the least that passes.
        margin: how far inside the limit `value` lies, in `unit`; negative when it failed.
        severity: a failed ``warning`` is shown but does not fail the run.
        reason: one sentence for a person.
        waiver: who allowed this failure, until when and why; a waived failure has severity ``warning``.
    """

    subject: str
    metric: str
    value: float | None
    unit: str
    limit: float | None = None
    bound: Bound = "at most"
    status: Status
    margin: float | None = None
    severity: Severity = "error"
    reason: str
    waiver: str | None = None


def exit_code(verdicts: Iterable[Verdict], *, strict: bool) -> int:
    """0 when every gate holds, 1 when one of severity ``error`` failed or, under `strict`, was not checked."""
    errors = [verdict.status for verdict in verdicts if verdict.severity == "error"]
    return int(Status.FAILED in errors or (strict and Status.NOT_CHECKED in errors))


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Failed errors, failed warnings, not checked, passed; each group by how little margin is left."""
    rank = {Status.FAILED: 0, Status.NOT_CHECKED: 2, Status.PASSED: 3}

    def key(verdict: Verdict) -> tuple[int, float, str, str]:
        group = rank[verdict.status] + (verdict.status is Status.FAILED and verdict.severity == "warning")
        scale = abs(verdict.limit or 0) or 1.0
        margin = math.inf if verdict.margin is None else verdict.margin / scale
        return group, margin, verdict.subject, verdict.metric

    return sorted(verdicts, key=key)
