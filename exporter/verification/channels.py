"""Judges the parts of an output on their own: channels, columns of a concatenated head, and single values.

One signal-to-noise ratio over an output is blind to a part of it that is small beside the rest: class scores beside
boxes in pixels. What is compared here is every slice along every axis, and every value.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.parity import ChannelFact
from exporter.verification.metrics import Difference, Elements
from profilers.decibels import decibels

QUANTITY_RATIO = 16.0
"""Neighbours in scale that differ by more are other quantities: boxes in pixels and scores, not channels of one map."""

ALLOWANCE_DB = 6.0
"""How far the worst of many channels of one quantity may lie below what is asked of the whole."""

FLOOR = 0.1
"""A channel that is weaker than this share of its quantity is judged as if it had it: zeros have no relative error."""

VALUE_SIGMAS = 6.0
"""A single value may be off by so many times the noise that is allowed on average, or by that share of the peak."""

LOST_SPREAD = 16.0
"""An artifact's channel that varies so many times less than the source's is as good as constant."""

VARIES = 0.1
"""A channel varies when its values spread over this share of the peak of its quantity."""

STILL = 1e-6
"""Outputs whose changes between examples have less than this share of their power are taken for constant."""

FEWEST_FOR_VARIATION = 4

Floats = NDArray[np.float64]


class _Axis:
    """Sums of every slice along one axis, by quantity."""

    def __init__(self, elements: Elements, axis: int, *, one_quantity: bool) -> None:
        others = tuple(index for index in range(elements.signal.ndim) if index != axis)
        count = elements.examples * elements.signal.size / elements.signal.shape[axis]
        self.axis = axis
        self.values = count
        self.power = elements.signal.sum(others) / count
        self.noise = elements.noise.sum(others) / count
        self.error = elements.error.max(others)
        self.peak = np.maximum(np.abs(elements.source_low).max(others), np.abs(elements.source_high).max(others))
        self.spread = elements.source_high.max(others) - elements.source_low.min(others)
        self.artifact_spread = elements.artifact_high.max(others) - elements.artifact_low.min(others)
        self.varying = _centered(elements.signal, elements.source_sum, elements.examples).sum(others)
        self.varying_noise = _centered(elements.noise, elements.error_sum, elements.examples).sum(others)
        rms = np.sqrt(self.power)
        self.groups = [np.arange(len(rms))] if one_quantity else quantities(rms)

    def facts(self) -> Iterator[ChannelFact]:
        """What limits the output along this axis: the worst group, slice and value, and slices that are lost."""
        for group in self.groups:
            power, noise = float(self.power[group].mean()), float(self.noise[group].mean())
            if len(self.groups) > 1:
                yield self._fact("quantity", group, decibels(power, noise), group)
            floor = np.maximum(self.power[group], FLOOR**2 * power)
            own = [decibels(a, b) for a, b in zip(floor, self.noise[group], strict=True)]
            yield self._worst("channel", group, np.asarray(own) + ALLOWANCE_DB)
            peak = np.maximum(self.peak[group], FLOOR * self.peak[group].max())
            allowed = np.maximum(VALUE_SIGMAS * np.sqrt(floor), peak)
            own = [decibels(a * a, b * b) for a, b in zip(allowed.tolist(), self.error[group].tolist(), strict=True)]
            yield self._worst("value", group, np.asarray(own))
            lost = group[self._lost(group, peak)]
            if len(lost):
                yield self._fact("constant", lost, -math.inf, lost)

    def variation(self) -> Iterator[float]:
        """How well each quantity follows the source from example to example, in dB; none where it hardly moves."""
        for group in self.groups:
            signal, noise = float(self.varying[group].sum()), float(self.varying_noise[group].sum())
            if signal > STILL * float(self.power[group].sum()) * self.values:
                found = decibels(signal, noise)
                yield -math.inf if math.isnan(found) else found

    def _lost(self, group: NDArray[np.intp], peak: Floats) -> NDArray[np.bool_]:
        varies = self.spread[group] >= VARIES * peak
        still = self.artifact_spread[group] * LOST_SPREAD <= self.spread[group]
        return np.asarray(varies & still & (self.values > 1) & (self.spread[group] > 0), np.bool_)

    def _worst(self, kind: str, group: NDArray[np.intp], figures: Floats) -> ChannelFact:
        ranked = np.where(np.isnan(figures), -np.inf, figures)
        place = int(ranked.argmin())
        return self._fact(kind, group[place : place + 1], float(ranked[place]), group)

    def _fact(self, kind: str, indices: NDArray[np.intp], db: float, group: NDArray[np.intp]) -> ChannelFact:
        known = -math.inf if math.isnan(db) else db  # min would pass over it
        return ChannelFact.model_validate(
            {
                "kind": kind,
                "axis": self.axis,
                "indices": tuple(int(index) for index in indices),
                "channels": len(self.power),
                "db": known,
                "source_peak": float(self.peak[group].max()),
                "largest_peak": float(self.peak.max()),
                "error": float(self.error[indices].max()),
                "spread": float(self.spread[indices].max()),
            }
        )


def _centered(squares: Floats, sums: Floats, count: int) -> Floats:
    """Squares about the mean over examples, of every element; not below 0 by rounding."""
    with np.errstate(all="ignore"):
        return np.maximum(squares - sums * sums / max(1, count), 0)


def variation_db(difference: Difference) -> float | None:
    """Ratio of what changes between examples in the source to how differently it changes in the artifact.

    A network that ignores its input has a good signal-to-noise ratio where outputs are much the same for all examples;
    here it has 0 dB. None for few examples, and for outputs that do not change.
    """
    found = [
        value
        for elements in difference.elements.values()
        if elements.examples >= FEWEST_FOR_VARIATION
        for axis in _axes(elements)
        for value in axis.variation()
    ]
    return min(found) if found else None


def worst_channel(difference: Difference) -> ChannelFact | None:
    """The part of an output that stands worst against its own scale; None for an output without values.

    `ChannelFact.db` compares with a least signal-to-noise ratio: the output passes where it is at least that.
    Integer outputs (indices of classes) may instead be right in all but a share of their values, which counts as noise.
    """
    axes = [axis for elements in difference.elements.values() for axis in _axes(elements)]
    facts = [fact for axis in axes for fact in axis.facts()]
    if not facts:
        return None
    worst = min(facts, key=lambda fact: (fact.db, fact.kind != "constant"))
    equal = decibels(1.0, difference.changed)
    return worst.model_copy(update={"db": equal}) if difference.integers and equal > worst.db else worst


def _axes(elements: Elements) -> Iterator[_Axis]:
    if not elements.signal.size:
        return
    if elements.signal.ndim == 0:
        elements = _as_vector(elements)
    bounded = bool(elements.source_low.min() >= 0 and elements.source_high.max() <= 1)
    for axis in [axis for axis, size in enumerate(elements.signal.shape) if size > 1] or [0]:
        yield _Axis(elements, axis, one_quantity=bounded)


def _as_vector(elements: Elements) -> Elements:
    arrays = {name: value.reshape(1) for name, value in vars(elements).items() if name != "examples"}
    return Elements(examples=elements.examples, **arrays)


def quantities(scales: Floats) -> list[NDArray[np.intp]]:
    """Indices of channels by quantity: cut where neighbours in scale differ by more than `QUANTITY_RATIO`.

    Args:
        scales: one positive scale a channel; zeros belong to the largest quantity.
    """
    order = np.argsort(scales, kind="stable")
    used = order[scales[order] > 0]
    if not len(used):
        return [order]
    cuts = np.flatnonzero(scales[used][1:] / scales[used][:-1] > QUANTITY_RATIO) + 1
    groups = np.split(used, cuts)
    groups[-1] = np.concatenate([groups[-1], order[scales[order] == 0]])
    return [np.sort(group) for group in groups]


def quantization_step(values: NDArray[np.float64]) -> float | None:
    """The step between an output's values, where there are so few that they come from 8-bit integers."""
    levels = np.unique(values[np.isfinite(values)])
    if not 2 <= len(levels) <= 256 or values.size <= 2 * len(levels):
        return None
    return float(np.diff(levels).min())


def spoken(indices: Sequence[int]) -> str:
    """Indices in words: ``4 to 8`` or ``1, 5 and 3 more``."""
    ordered = sorted(indices)
    if len(ordered) > 1 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]} to {ordered[-1]}"
    more = f" and {len(ordered) - 4} more" if len(ordered) > 4 else ""
    return ", ".join(map(str, ordered[:4])) + more
