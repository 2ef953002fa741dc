"""Gives the weights of a model their forms: to nearest, or on calibration data by one of the ways of the table."""

import importlib
from collections.abc import Sequence
from typing import Any

from torch import nn

from exporter.compression.forms.nearest import Chosen, to_nearest
from exporter.compression.model import Context
from exporter.compression.rounding.solving import Way
from exporter.data.settings.recipe import RoundingStep

WAYS = {
    "gptq": "exporter.compression.rounding.gptq",
    "adaround": "exporter.compression.rounding.adaround",
    "brecq": "exporter.compression.rounding.brecq",
}
"""Name -> module, whose `round_on_data` is a `Way`."""


def give_forms(module: nn.Module, chosen: Sequence[Chosen], step: RoundingStep, context: Context) -> dict[str, Any]:
    """Constrain the weights of all chosen layers; gives figures.

    Args:
        module: changed in place; its chosen weights are in float, or have zeros to keep.
        chosen: layers of it.
        step: says how they are rounded.
        context: of the step.
    """
    if step.rounding == "nearest":
        for layer, precision in chosen:
            to_nearest(layer.module, precision, context.seed)
        return {}
    way: Way = importlib.import_module(WAYS[step.rounding]).round_on_data
    on_data, cut = way(module, chosen, context, step.rounding_budget)
    figures = {f"layers_rounded_by_{step.rounding}": on_data, "layers_rounded_to_nearest": len(chosen) - on_data}
    return figures | ({"trainings_cut_short": cut} if cut else {})
