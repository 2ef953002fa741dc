"""Gives weights their forms without data: the nearest integers and float16 values, and tables by k-means.

Grids are those that both converters compute (largest magnitude of a channel / 127), so the shipped integers are the
trained ones.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import nn

from exporter.compression.forms.constraints import Grid, Half, Mask, SharedTable, constrain, constraints_of
from exporter.compression.forms.precision import Precision
from exporter.compression.forms.tables import to_table
from exporter.compression.layers import Layer, left_alone, weight_of
from exporter.data.facts.compression import LeftAlone

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class Chosen(NamedTuple):
    """A layer and the form that its weight gets."""

    layer: Layer
    precision: Precision


def feasible(
    layers: Sequence[Layer], wanted: Callable[[Layer], Precision], skipped: list[LeftAlone], min_elements: int = 0
) -> list[Chosen]:
    """The layers that can be given what is wanted of them.

    Args:
        layers: convolutions and linear layers.
        wanted: the form of each.
        skipped: takes the others, with the reason.
        min_elements: smaller weights get no table.
    """
    found = []
    for layer in layers:
        precision = wanted(layer)
        reason = obstacle(layer.module, precision, min_elements)
        if reason:
            skipped.append(left_alone(layer, reason))
        else:
            found.append(Chosen(layer, precision))
    return found


def obstacle(layer: nn.Module, wanted: Precision, min_elements: int = 0) -> str | None:
    """Why the layer's weight cannot get this form; None where it can."""
    last = constraints_of(layer)[-1:]
    if last and isinstance(last[0], SharedTable | Grid | Half):
        return f"already in the form of {type(last[0]).__name__.lower()}"
    if wanted.form == "table":
        return _no_table(layer, wanted, min_elements)
    inputs = weight_of(layer).shape[1 - output_axis(layer)]
    if wanted.block_size is not None and inputs % wanted.block_size:
        return f"its {inputs} input channels do not divide into blocks of {wanted.block_size}"
    return None


def to_nearest(layer: nn.Module, precision: Precision, seed: int) -> None:
    """Give the layer's weight its form.

    Args:
        layer: one without an `obstacle`.
        precision: the form.
        seed: of k-means.
    """
    if precision.form == "table":
        to_table(layer, precision.bits, precision.group_size, seed)
    elif precision.form == "grid":
        constrain(layer, Grid(precision.bits, precision.block_size, output_axis(layer)))
    else:
        constrain(layer, Half())


def output_axis(layer: nn.Module) -> int:
    """Axis of the weight's output channels."""
    return 1 if isinstance(layer, TRANSPOSED) else 0


def _no_table(layer: nn.Module, wanted: Precision, min_elements: int) -> str | None:
    weight, constraints = weight_of(layer), constraints_of(layer)
    others = [item for item in constraints if not isinstance(item, Mask)]
    if others:
        return f"already in the form of {type(others[-1]).__name__.lower()}"
    if weight.numel() < min_elements:
        return f"fewer than {min_elements} elements (min_elements)"
    if wanted.group_size is not None and weight.shape[0] % wanted.group_size:
        return f"its {weight.shape[0]} output channels are no multiple of {wanted.group_size} (group_size)"
    if wanted.bits == 1 and constraints:
        return "1 bit leaves one value beside zero: use more bits after pruning"
    return None
