"""Rounds the weights of a model on calibration data, by one of the ways that the table has."""

import importlib
from collections.abc import Sequence
from typing import Any

from torch import nn

from exporter.compression.forms.batches import spread
from exporter.compression.layers import Layer
from exporter.compression.model import Context
from exporter.compression.rounding.layers import Solve, round_layers
from exporter.compression.rounding.patches import TAKEN
from exporter.data.settings.recipe import Rounding

WAYS = {"gptq": "exporter.compression.rounding.gptq"}
"""Name -> module, whose `solve` rounds one layer."""


def round_with_data(module: nn.Module, layers: Sequence[Layer], rounding: Rounding, context: Context) -> dict[str, Any]:
    """Choose the weights of layers that are on a grid, first layer first; gives figures.

    Args:
        module: changed in place.
        layers: of the model. Transposed and three-dimensional convolutions stay rounded to nearest.
        rounding: other than ``nearest``.
    """
    solve: Solve = importlib.import_module(WAYS[rounding]).solve
    taken = [layer.name for layer in layers if isinstance(layer.module, TAKEN)]
    done = round_layers(module, taken, spread(context.data.calibration), solve, context.seed, context.advance)
    return {f"layers_rounded_by_{rounding}": done, "layers_rounded_to_nearest": len(layers) - done}
