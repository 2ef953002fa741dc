"""What `zoo_tasks.py` measures of models that mark an answer in a text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Outputs = tuple[np.ndarray[Any, Any], ...]


def exact_match(source: Outputs, artifact: Outputs, labels: Sequence[Any] | None) -> dict[str, float]:
    """Share of texts whose answer has the same first and last token, of which the two outputs are scores."""
    same = [one.argmax(-1) == other.argmax(-1) for one, other in zip(source, artifact, strict=True)]
    return {"exact_match": float(np.logical_and(*same).mean())}
