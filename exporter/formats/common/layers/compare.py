"""From calls of modules and values of operations to `Layers`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.layers import LayerComparison, Layers, NotMatched, Statistics
from exporter.formats.common.layers.axes import arrangements
from exporter.formats.common.layers.calls import Call
from exporter.formats.common.layers.match import Pair, match
from exporter.formats.common.layers.observed import Observed, Vocabulary


def compare_calls(
    calls: Sequence[Call],
    values: Sequence[Observed],
    vocabulary: Vocabulary,
    reads: Mapping[str, Sequence[str]] | None = None,
) -> Layers:
    """Every call beside the operation that stands for it; see `match`."""
    pairs = match(calls, values, vocabulary, reads or {})
    found = {id(call) for pair in pairs for call in pair.calls}
    left = [call for call in calls if id(call) not in found]
    return Layers(tuple(map(_compared, pairs)), tuple(_not_matched(call, values) for call in left))


def _compared(pair: Pair) -> LayerComparison:
    first, observed, (_, wanted, found, snr) = pair.calls[0], pair.observed, pair.standing
    return LayerComparison(
        module=first.module,
        kind=", ".join(call.kind for call in pair.calls),
        call=first.number,
        output=observed.name,
        operation=observed.operation,
        location=observed.location,
        matched_by=pair.by,
        axes=found.axes,
        rule_name=observed.rule_name,
        snr_db=snr,
        max_abs_error=_max_abs_error(wanted, found.value),
        cosine=_cosine(wanted, found.value),
        source=_statistics(wanted),
        artifact=_statistics(found.value),
    )


def _not_matched(call: Call, values: Sequence[Observed]) -> NotMatched:
    alike = any(value.value.size == call.value.size and arrangements(value.value, call.value.shape) for value in values)
    reason = (
        "no operation in its place is of its kind or gives its numbers"
        if alike
        else "no operation of the artifact gives a value of its shape"
    )
    return NotMatched(call.module, call.kind, call.number, reason)


def _max_abs_error(wanted: NDArray[Any], found: NDArray[Any]) -> float:
    whole, given = np.isfinite(wanted), np.isfinite(found)
    if not np.array_equal(whole, given):
        return math.inf
    return float(np.abs(wanted[whole].astype(np.float64) - found[whole]).max(initial=0.0))


def _cosine(wanted: NDArray[Any], found: NDArray[Any]) -> float:
    one, other = wanted.reshape(-1).astype(np.float64), found.reshape(-1).astype(np.float64)
    with np.errstate(all="ignore"):
        lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
        if lengths == 0:
            return 1.0 if not one.any() and not other.any() else 0.0
        return float(one @ other) / lengths


def _statistics(value: NDArray[Any]) -> Statistics:
    finite = value[np.isfinite(value)].astype(np.float64)
    if not finite.size:
        return Statistics(tuple(value.shape), math.nan, math.nan, math.nan, math.nan, value.size)
    spread = (float(finite.min()), float(finite.max()), float(finite.mean()), float(finite.std()))
    return Statistics(tuple(value.shape), *spread, value.size - finite.size)
