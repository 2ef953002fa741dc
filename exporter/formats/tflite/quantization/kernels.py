"""Which operators have weights, and what LiteRT computes with integer ones beside float activations ("hybrid")."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Weight:
    """The weight of an operator.

    Attributes:
        operand: its position.
        axis: of the output channels, from the front or, below zero, from the back.
        hybrid: version of the operator by the bits of a weight with a scale a channel; without one, the weight is
            stored as integers and widened to float32 when the model is loaded.
    """

    operand: int
    axis: int
    hybrid: Mapping[int, int] = field(default_factory=dict)


WEIGHTS = {
    "CONV_2D": Weight(1, 0, {8: 5, 4: 7}),
    "DEPTHWISE_CONV_2D": Weight(1, -1, {8: 6}),
    "FULLY_CONNECTED": Weight(1, 0, {8: 12, 4: 12}),
    "TRANSPOSE_CONV": Weight(1, 0),
    "CONV_3D": Weight(1, -1),
    "BATCH_MATMUL": Weight(1, -1),
    "GATHER": Weight(0, 0),
    "EMBEDDING_LOOKUP": Weight(1, 0),
}
"""Source: LiteRT 2.1, tflite/kernels; tflite/tools/versioning/op_version.cc for the versions."""
FOUR_BITS = tuple(name for name, weight in WEIGHTS.items() if 4 in weight.hybrid)
"""Operators that compute with 4-bit weights."""
