"""Parity over the steps of sequences to a verdict."""

import math

from exporter.data.facts.parity import Parity, StepsParity
from exporter.data.verdict import Verdict
from exporter.gates.judge import judge, not_checked

STEPS = "parity.steps"
LEAST_DB = 0.0
"""Where the target has no limit of its own: below, an output is off by more than it carries."""


def steps_verdicts(subject: str, parity: Parity, limit: float | None) -> list[Verdict]:
    """The verdict on sequences; nothing where the source is no step of one.

    Args:
        limit: the target's least signal-to-noise ratio in dB, if it has one.
    """
    steps = parity.steps
    if steps is None:
        return []
    least = LEAST_DB if limit is None else limit
    if steps.runs is None:
        return [not_checked(subject, STEPS, "dB", steps.problem, limit=least, bound="at least")]
    value, reason = _said(steps, parity.evaluator)
    return [judge(subject, STEPS, value, "dB", limit=least, bound="at least", reason=reason)]


def _said(steps: StepsParity, evaluator: str) -> tuple[float, str]:
    where = f"{steps.sequences} sequences of {steps.steps} steps in {evaluator}, each from what the step before carried"
    if not steps.runs:
        return -math.inf, f"the artifact does not run over {where}: {steps.problem}"
    value = math.inf if steps.snr_db is None else steps.snr_db
    total = steps.sequences * steps.steps
    return value, f"signal-to-noise ratio {value:.4g} dB, the same greatest value at {steps.agreed} of {total}; {where}"
