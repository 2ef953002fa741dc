"""Finds the activation of a converted graph that a learned range belongs to, by its values on the probe input."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.hints import ActivationRange, Signature, signature

TOLERANCE = 2e-3
"""Share of the activation's magnitude by which a float converter may differ from torch."""
ROUNDING = 1e-4
"""Share of it by which two ranges are told apart: less is float32's rounding, in which either may be the nearer."""


def match_ranges(ranges: Sequence[ActivationRange], found: Mapping[str, NDArray[Any]]) -> dict[str, ActivationRange]:
    """The learned range of each tensor that has one.

    Args:
        ranges: of the compressed model, in the order of computation.
        found: tensor name -> its value for the probe input, in the float form of the converted model, in its order.
    """
    matched: dict[str, ActivationRange] = {}
    for name, values in found.items():
        wanted = signature(values)
        near = [item for item in ranges if item.elements == values.size]
        distances = [_distance(wanted, item) for item in near]
        magnitude = max(1e-6, float(np.abs(wanted).max()))
        if not near or min(distances) > TOLERANCE * magnitude:
            continue
        # A limit that the probe hardly reaches has the values of what it limits: such ranges go by order, and what
        # only moves these values has the last one's.
        furthest = min(distances) + ROUNDING * magnitude
        twins = [item for item, distance in zip(near, distances, strict=True) if distance <= furthest]
        used = {item.name for item in matched.values()}
        matched[name] = next((item for item in twins if item.name not in used), twins[-1])
    return matched


def unmatched(ranges: Sequence[ActivationRange], matched: Mapping[str, ActivationRange]) -> list[str]:
    """Names of learned ranges that found no tensor."""
    used = {item.name for item in matched.values()}
    return [item.name for item in ranges if item.name not in used]


def _distance(wanted: Signature, item: ActivationRange) -> float:
    return min(float(np.abs(np.subtract(wanted, own)).max()) for own in item.signatures)
