"""Gives all layers that data say something of their forms on data, and the others theirs without."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import nn

from exporter.compression.forms.batches import spread
from exporter.compression.forms.constraints import Mask, constraints_of
from exporter.compression.forms.nearest import Chosen, to_nearest
from exporter.compression.layers import Layer
from exporter.compression.model import Context
from exporter.compression.rounding.layers import Put, float_copy, round_layers
from exporter.compression.rounding.patches import TAKEN

WithoutData = Callable[[Layer], None]


class Rounded(NamedTuple):
    """How a way to round went.

    Attributes:
        on_data: layers whose values data chose.
        cut: trainings that ran out of time.
    """

    on_data: int
    cut: int = 0


Way = Callable[[nn.Module, Sequence[Chosen], Context, float], Rounded]
"""Gives the chosen layers of a module their forms, in place, within about so many seconds."""


def solve(
    module: nn.Module,
    layers: Sequence[Layer],
    put: Callable[[Layer], Put],
    without_data: WithoutData,
    context: Context,
) -> int:
    """Give layers their forms, in one pass from the first to the last; how many on data.

    Args:
        module: changed in place.
        layers: of it, in float or with zeros to keep.
        put: what gives a layer its form on data.
        without_data: gives it to layers that no example reaches, to transposed and three-dimensional convolutions, and
            to weights that have a form already.
        context: of the step.
    """
    reference = float_copy(module)
    on_data = solvable(layers, without_data)
    sample = spread(context.data.calibration)
    puts = {layer.name: put(layer) for layer in on_data}
    done = round_layers(module, reference, puts, sample, sample, context)
    for layer in on_data:
        if layer.name not in done:
            without_data(layer)
    return len(done)


def solvable(layers: Sequence[Layer], without_data: WithoutData) -> list[Layer]:
    """The layers that can be solved on data; the others are given their forms."""
    found = []
    for layer in layers:
        if isinstance(layer.module, TAKEN) and all(isinstance(one, Mask) for one in constraints_of(layer.module)):
            found.append(layer)
        else:
            without_data(layer)
    return found


def nearest(chosen: Sequence[Chosen], context: Context) -> WithoutData:
    """Gives a layer what is chosen for it, without data."""
    wanted = {layer.name: precision for layer, precision in chosen}
    return lambda layer: to_nearest(layer.module, wanted[layer.name], context.seed)
