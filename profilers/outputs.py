"""Compares what a device computed with what this machine computed from the same inputs."""

import math
from collections.abc import Sequence

import numpy as np


def signal_to_noise_db(reference: Sequence["np.ndarray"], found: Sequence["np.ndarray"]) -> float:  # type: ignore[type-arg]
    """10 log10(power of the reference / power of the difference) over all outputs; infinite when equal.

    Raises:
        ValueError: number, shapes or types differ, or a value is not finite.
    """
    if len(reference) != len(found):
        raise ValueError(f"{len(found)} outputs instead of {len(reference)}")
    signal = noise = 0.0
    for ours, theirs in zip(reference, found, strict=True):
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            raise ValueError(
                f"an output of {theirs.dtype}{list(theirs.shape)} instead of {ours.dtype}{list(ours.shape)}"
            )
        wanted, given = ours.astype(np.float64), theirs.astype(np.float64)
        if not np.all(np.isfinite(given)):
            raise ValueError("an output has values that are not finite")
        signal += float(np.sum(wanted**2))
        noise += float(np.sum((wanted - given) ** 2))
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf
