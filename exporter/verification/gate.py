"""Parity facts and a target's tolerances to verdicts."""

import math
from typing import Literal

from exporter.record import Parity
from exporter.targets.settings import Target
from exporter.verdicts import Verdict, judge, not_checked

_UNITS = {"snr_db": "dB", "top1_drop_points": "points", "top5_drop_points": "points"}
_METRICS = {
    "snr_db": "parity.snr",
    "cosine": "parity.cosine",
    "max_abs_error": "parity.max_abs_error",
    "top1_agreement": "parity.top1_agreement",
    "top1_drop_points": "accuracy.top1_drop",
    "top5_drop_points": "accuracy.top5_drop",
}


def parity_verdicts(target: Target, parity: Parity | None, reason: str = "") -> list[Verdict]:
    """One verdict a tolerance of the target.

    Args:
        parity: what was measured; None when nothing could be.
        reason: why nothing could be.
    """
    limits = {key: value for key, value in target.tolerances.model_dump().items() if value is not None}
    return [_verdict(target, key, limit, parity, reason) for key, limit in limits.items()]


def _verdict(target: Target, key: str, limit: float, parity: Parity | None, reason: str) -> Verdict:
    metric, unit = _METRICS[key], _UNITS.get(key, "1")
    if parity is None:
        return not_checked(target.name, metric, unit, reason, limit=limit)
    value = _value(key, parity)
    if value is None:
        missing = "no labels were given: --evaluation" if "drop" in key else "the output is not one of class scores"
        return not_checked(target.name, metric, unit, missing, limit=limit)
    bound: Literal["at least", "at most"] = "at least" if key in ("snr_db", "cosine", "top1_agreement") else "at most"
    where = f"on {parity.samples} examples of {parity.data} in {parity.evaluator}"
    return judge(
        target.name, metric, value, unit, limit=limit, bound=bound, reason=f"{_words(key, value, parity)} {where}"
    )


def _value(key: str, parity: Parity) -> float | None:
    if key == "snr_db":
        return math.inf if parity.snr_db is None else parity.snr_db
    if key == "top1_drop_points":
        return _drop(parity.source_top1, parity.top1)
    if key == "top5_drop_points":
        return _drop(parity.source_top5, parity.top5)
    value: float | None = getattr(parity, key)
    return value


def _drop(before: float | None, after: float | None) -> float | None:
    """Percentage points lost; rounding to 1e-9 keeps a difference of counts from failing its own limit."""
    return None if before is None or after is None else round(100 * (before - after), 9)


def _words(key: str, value: float, parity: Parity) -> str:
    if key == "top1_drop_points" and parity.top1 is not None and parity.source_top1 is not None:
        return f"top-1 {100 * parity.top1:.2f} % against the source's {100 * parity.source_top1:.2f} %"
    if key == "top5_drop_points" and parity.top5 is not None and parity.source_top5 is not None:
        return f"top-5 {100 * parity.top5:.2f} % against the source's {100 * parity.source_top5:.2f} %"
    names = {"snr_db": "signal-to-noise ratio", "cosine": "cosine similarity", "max_abs_error": "largest error",
             "top1_agreement": "same top class as the source"}  # fmt: skip
    return f"{names[key]} {value:.4g}{' dB' if key == 'snr_db' else ''}"
