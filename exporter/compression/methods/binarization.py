"""Binarization: weights of two values an output channel (XNOR-Net, Rastegari et al. 2016)."""

from typing import TYPE_CHECKING, ClassVar

from exporter.compression.method import Method
from exporter.data.settings.recipe import LayerRule, Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class Binarization(Step):
    """Sign times one scale for each output channel (XNOR-Net's weights), with straight-through gradients.

    Attributes:
        keep_ends: leave the first and the last layer as they are.
        rules: layers to leave alone, or to take.
    """

    stage: ClassVar[int | None] = 2
    keep_ends: bool = True
    rules: tuple[LayerRule, ...] = ()


def binarize(module: "nn.Module", step: Binarization, context: "Context") -> "Outcome":
    """Constrain weights to sign times scale; batch norms stay, because they fold into the scales."""
    from exporter.compression.ends import first_layer, output_layers
    from exporter.compression.forms.constraints import Binary, constrain, constraints_of
    from exporter.compression.layers import left_alone, select
    from exporter.compression.model import Outcome

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


METHOD = Method(Binarization, binarize)
