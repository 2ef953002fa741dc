"""Parity on every shape that flexible inputs were tried with, to one verdict on the worst."""

import math

from exporter.data.facts.parity import Parity, ShapeParity
from exporter.data.verdict import Verdict
from exporter.gates.judge import judge, not_checked

SHAPES = "parity.shapes"
LEAST_DB = 0.0
"""Where the target has no limit of its own: below, an output is off by more than it carries."""


def shape_verdicts(subject: str, parity: Parity, limit: float | None) -> list[Verdict]:
    """The verdict on the worst shape; nothing where the source has one shape.

    Args:
        limit: the target's least signal-to-noise ratio in dB, if it has one.
    """
    if not parity.shapes:
        return []
    least = LEAST_DB if limit is None else limit
    failed, unknown, compared = ([one for one in parity.shapes if one.runs is kind] for kind in (False, None, True))
    worst = min(compared, key=_db, default=None)
    if failed:
        return [_does_not_run(subject, parity, failed[0], least)]
    if unknown and (worst is None or _db(worst) >= least):
        reason = f"{_named(unknown[0])}: {unknown[0].problem} ({_tried(parity)})"
        return [not_checked(subject, SHAPES, "dB", reason, limit=least, bound="at least")]
    assert worst is not None
    reason = _sentence(parity, worst)
    return [judge(subject, SHAPES, _db(worst), "dB", limit=least, bound="at least", reason=reason)]


def _does_not_run(subject: str, parity: Parity, one: ShapeParity, least: float) -> Verdict:
    reason = f"the artifact does not run on {_named(one)}: {one.problem} ({_tried(parity)})"
    return judge(subject, SHAPES, -math.inf, "dB", limit=least, bound="at least", reason=reason)


def _sentence(parity: Parity, worst: ShapeParity) -> str:
    figure = f"signal-to-noise ratio {_db(worst):.4g} dB on the worst shape, {_named(worst)}"
    examples = f"on {worst.samples} examples of {worst.data} in {parity.evaluator}"
    return f"{figure}, {examples}; {_tried(parity)}"


def _db(one: ShapeParity) -> float:
    return math.inf if one.snr_db is None else one.snr_db


def _named(one: ShapeParity) -> str:
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in one.shapes.items())


def _tried(parity: Parity) -> str:
    return "tried: " + "; ".join(map(_named, parity.shapes))
