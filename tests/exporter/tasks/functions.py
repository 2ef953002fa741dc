"""Functions that a user could give to a custom task."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Outputs = tuple[NDArray[Any], ...]


def agreement(source: Outputs, artifact: Outputs, labels: list[Any] | None) -> dict[str, float]:
    """How near the artifact is to the labels, or to the source."""
    wanted = source[0] if labels is None else np.stack(labels)
    off = np.abs(artifact[0] - wanted)
    return {"near": float((off < 0.1).mean()), "off": float(off.mean())}
