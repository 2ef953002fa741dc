"""Binarization: weights of two values an output channel (XNOR-Net, Rastegari et al. 2016)."""

from torch import nn

from exporter.compression.ends import first_layer, output_layers
from exporter.compression.forms.constraints import Binary, constrain, constraints_of
from exporter.compression.layers import left_alone, select
from exporter.compression.model import Context, Outcome
from exporter.data.recipe import Binarization


def binarize(module: nn.Module, step: Binarization, context: Context) -> Outcome:
    """Constrain weights to sign times scale; batch norms stay, because they fold into the scales."""
    layers, skipped = select(module, step.rules)
    ends = {first_layer(module, context.example_inputs), *output_layers(module, context.example_inputs)}
    for layer in layers:
        if step.keep_ends and layer.name in ends and not layer.options:
            skipped.append(left_alone(layer, "first or last layer (keep_ends)"))
        elif constraints_of(layer.module):
            skipped.append(left_alone(layer, "already constrained: signs would overwrite its zeros or table"))
        else:
            constrain(layer.module, Binary())
    return Outcome(module, tuple(skipped))
