"""Gives the weights of a model their forms: to nearest, or on calibration data by one of the ways of the table."""

import importlib
from collections.abc import Sequence
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
        chosen: layers of it. Those that no example reaches go to nearest, as do transposed and three-dimensional
            convolutions.
        rounding: a name of `WAYS`, or ``nearest``.
        context: of the step.
    """
    if rounding == "nearest":
        _to_nearest(chosen, context)
        return {}
    reference = float_copy(module)
    _to_nearest([one for one in chosen if not _can_be_solved(one.layer)], context)
    on_data = [one for one in chosen if _can_be_solved(one.layer)]
    put: Put = importlib.import_module(WAYS[rounding]).put
    wanted = {one.layer.name: one.precision for one in on_data}
    done = round_layers(module, reference, wanted, spread(context.data.calibration), put, context)
    _to_nearest([one for one in on_data if one.layer.name not in done], context)
    return {f"layers_rounded_by_{rounding}": len(done), "layers_rounded_to_nearest": len(chosen) - len(done)}


def _to_nearest(chosen: Sequence[Chosen], context: Context) -> None:
    for layer, precision in chosen:
        to_nearest(layer.module, precision, context.seed)


def _can_be_solved(layer: Layer) -> bool:
    return isinstance(layer.module, TAKEN) and all(isinstance(one, Mask) for one in constraints_of(layer.module))
