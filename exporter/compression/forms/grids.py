"""Weights on the grid that both converters compute (largest magnitude of a channel / 127), and in float16.

The shipped integers are therefore the trained ones.
"""

from torch import nn

from exporter.compression.forms.constraints import Constraint, Grid, Half, SharedTable, constrain, constraints_of
from exporter.compression.layers import Layer, left_alone, weight_of
from exporter.data.facts.compression import LeftAlone

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def to_grid(layer: Layer, bits: int, block_size: int | None, skipped: list[LeftAlone]) -> bool:
    """Put the layer's weight on a grid where that can be done; says whether it was, or appends the reason.

    Args:
        layer: a convolution or linear layer.
        bits: 8 or 4.
        block_size: input channels that share a scale; None for one scale an output channel.
        skipped: takes the layer where it stays as it is.
    """
    axis = 1 if isinstance(layer.module, TRANSPOSED) else 0
    inputs = weight_of(layer.module).shape[1 - axis]
    if block_size is not None and inputs % block_size:
        skipped.append(left_alone(layer, f"its {inputs} input channels do not divide into blocks of {block_size}"))
        return False
    return constrain_once(layer, Grid(bits, block_size, axis), skipped)


def constrain_once(layer: Layer, constraint: Constraint, skipped: list[LeftAlone]) -> bool:
    """Constrain the layer's weight unless it has a final form; says whether it was, or appends the reason."""
    last = constraints_of(layer.module)[-1:]
    if last and isinstance(last[0], SharedTable | Grid | Half):
        skipped.append(left_alone(layer, f"already in the form of {type(last[0]).__name__}"))
        return False
    constrain(layer.module, constraint)
    return True
