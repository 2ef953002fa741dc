"""Finds the activation of a converted graph that a learned range belongs to, by its values on the probe input."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.hints import ActivationRange, signature

TOLERANCE = 2e-3
"""Share of the activation's magnitude by which a float converter may differ from torch."""


def match_ranges(ranges: Sequence[ActivationRange], found: Mapping[str, NDArray[Any]]) -> dict[str, ActivationRange]:
    """The learned range of each tensor that has one.

    Args:
        ranges: of the compressed model.
        found: tensor name -> its value for the probe input, in the float form of the converted model.
    """
    matched = {}
    for name, values in found.items():
        wanted = np.asarray(signature(values))
        near = [item for item in ranges if item.elements == values.size]
        distances = [float(np.abs(wanted - item.signature).max()) for item in near]
        if distances and min(distances) <= TOLERANCE * max(1e-6, float(np.abs(wanted).max())):
            matched[name] = near[int(np.argmin(distances))]
    return matched


def unmatched(ranges: Sequence[ActivationRange], matched: Mapping[str, ActivationRange]) -> list[str]:
    """Names of learned ranges that found no tensor."""
    used = {item.name for item in matched.values()}
    return [item.name for item in ranges if item.name not in used]
