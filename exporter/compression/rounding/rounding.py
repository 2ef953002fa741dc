"""Gives the weights of a model their forms: to nearest, or on calibration data by one of the ways of the table."""

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import nn

from exporter.compression.forms.batches import spread
from exporter.compression.forms.constraints import Mask, constraints_of
from exporter.compression.forms.nearest import Chosen, to_nearest
from exporter.compression.layers import Layer
from exporter.compression.model import Context
from exporter.compression.rounding.layers import Put, float_copy, round_layers
from exporter.compression.rounding.patches import TAKEN
from exporter.data.settings.recipe import Rounding

WAYS = {"gptq": "exporter.compression.rounding.gptq"}
"""Name -> module, whose `put` gives one layer its form."""


def give_forms(module: nn.Module, chosen: Sequence[Chosen], rounding: Rounding, context: Context) -> dict[str, Any]:
    """Constrain the weights of all chosen layers, in one pass from the first layer to the last; gives figures.

    Args:
        module: changed in place; its chosen weights are in float, or have zeros to keep.
        chosen: layers of it.
        rounding: a name of `WAYS`, or ``nearest``.
        context: of the step.
    """
    wanted = {layer.name: precision for layer, precision in chosen}

    def nearest(layer: Layer) -> None:
        to_nearest(layer.module, wanted[layer.name], context.seed)

    layers = [layer for layer, _ in chosen]
    if rounding == "nearest":
        for layer in layers:
            nearest(layer)
        return {}
    put: Any = importlib.import_module(WAYS[rounding]).put
    done = solve(module, layers, lambda layer: partial(put, precision=wanted[layer.name]), nearest, context)
    return {f"layers_rounded_by_{rounding}": done, "layers_rounded_to_nearest": len(layers) - done}


def solve(
    module: nn.Module,
    layers: Sequence[Layer],
    put: Callable[[Layer], Put],
    without_data: Callable[[Layer], None],
    context: Context,
) -> int:
    """Give layers their forms on calibration data, and those that data say nothing of without; how many on data.

    Args:
        module: changed in place.
        layers: of it, in float or with zeros to keep.
        put: what gives a layer its form on data.
        without_data: gives it to layers that no example reaches, to transposed and three-dimensional convolutions, and
            to weights that have a form already.
        context: of the step.
    """
    reference = float_copy(module)
    on_data = [layer for layer in layers if _can_be_solved(layer)]
    for layer in layers:
        if layer not in on_data:
            without_data(layer)
    puts = {layer.name: put(layer) for layer in on_data}
    done = round_layers(module, reference, puts, spread(context.data.calibration), context)
    for layer in on_data:
        if layer.name not in done:
            without_data(layer)
    return len(done)


def _can_be_solved(layer: Layer) -> bool:
    return isinstance(layer.module, TAKEN) and all(isinstance(one, Mask) for one in constraints_of(layer.module))
