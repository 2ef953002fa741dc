"""Calibration batches as one, for what looks at all examples in one layer before the next one's turn."""

import math
from collections.abc import Sequence

import torch

from exporter.compression.model import Examples

MOST_EXAMPLES = 128
"""Memory bounds them: the outputs of a layer are held for all."""


def spread(batches: Sequence[Examples]) -> Examples:
    """At most so many of the examples, evenly spread, as one batch."""
    columns = [torch.cat(column) for column in zip(*batches, strict=True)]
    return tuple(column[:: math.ceil(len(column) / MOST_EXAMPLES)] for column in columns)
