"""Dynamic quantization: int8 weights of linear layers, whose inputs are quantized while the model runs."""

from typing import TYPE_CHECKING, ClassVar

from exporter.compression.method import Method
from exporter.data.settings.recipe import LayerRule, Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome

OTHERS = "dynamic quantization is for linear layers; a rule may add this one"


class DynamicQuantization(Step):
    """Int8 weights of linear layers; their inputs are quantized while the model runs.

    Convolutions stay float, as with ``torch.ao.quantization.quantize_dynamic``; a rule may add them.

    Attributes:
        rules: layers that are left out (``apply = false``) or added.
    """

    stage: ClassVar[int | None] = 3
    rules: tuple[LayerRule, ...] = ()


def quantize(module: "nn.Module", step: DynamicQuantization, context: "Context") -> "Outcome":
    """Put linear layers' weights on grids; what stays float is listed with its reason."""
    from torch import nn

    from exporter.compression.forms.folding import fold_batch_norms
    from exporter.compression.forms.nearest import feasible, to_nearest
    from exporter.compression.forms.precision import Precision
    from exporter.compression.layers import left_alone, select
    from exporter.compression.model import Outcome

    fold_batch_norms(module)
    layers, skipped = select(module, step.rules, (nn.Linear,))
    chosen = feasible(layers, lambda layer: Precision("grid", 8), skipped)
    for layer, precision in chosen:
        to_nearest(layer.module, precision, context.seed)
    known = {layer.name for layer in layers} | {item.name.removesuffix(".weight") for item in skipped}
    skipped += [left_alone(layer, OTHERS) for layer in select(module, ())[0] if layer.name not in known]
    return Outcome(module, tuple(skipped), changed=len(chosen))


METHOD = Method(DynamicQuantization, quantize)
