"""Weight clipping: a few outliers no longer widen the grid of a whole channel (Zhao et al. 2019)."""

from typing import TYPE_CHECKING, ClassVar

from exporter.compression.method import Method
from exporter.data.settings.recipe import LayerRule, Ratio, Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class WeightClipping(Step):
    """Limits weights to a share of the largest magnitude of their layer.

    Attributes:
        limit: that share.
        rules: layers to leave alone.
    """

    stage: ClassVar[int | None] = 1
    limit: Ratio = 0.8
    rules: tuple[LayerRule, ...] = ()


def clip(module: "nn.Module", step: WeightClipping, context: "Context") -> "Outcome":
    """Clamp the weights in place."""
    import torch

    from exporter.compression.layers import select, weight_of
    from exporter.compression.model import Outcome

    layers, skipped = select(module, step.rules)
    with torch.no_grad():
        for layer in layers:
            weight = weight_of(layer.module)
            bound = float(weight.abs().max()) * step.limit
            weight.clamp_(-bound, bound)
    return Outcome(module, tuple(skipped))


METHOD = Method(WeightClipping, clip)
