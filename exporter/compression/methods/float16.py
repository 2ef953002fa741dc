"""Float16 weights."""

from typing import TYPE_CHECKING, ClassVar

from exporter.compression.method import Method
from exporter.data.settings.recipe import LayerRule, Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class Float16(Step):
    """Rounds weights to float16.

    Attributes:
        rules: layers that are left out (``apply = false``).
    """

    stage: ClassVar[int | None] = 3
    rules: tuple[LayerRule, ...] = ()


def to_float16(module: "nn.Module", step: Float16, context: "Context") -> "Outcome":
    """Round weights, after folding the batch norms that would scale them again."""
    from exporter.compression.forms.folding import fold_batch_norms
    from exporter.compression.forms.nearest import feasible, to_nearest
    from exporter.compression.forms.precision import FLOAT16
    from exporter.compression.layers import select
    from exporter.compression.model import Outcome

    fold_batch_norms(module)
    layers, skipped = select(module, step.rules)
    chosen = feasible(layers, lambda layer: FLOAT16, skipped)
    for layer, precision in chosen:
        to_nearest(layer.module, precision, context.seed)
    return Outcome(module, tuple(skipped), changed=len(chosen))


METHOD = Method(Float16, to_float16)
