"""Integer weights, activations in float."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from exporter.compression.method import Method
from exporter.data.settings.recipe import LayerRule, RoundingStep

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class WeightQuantization(RoundingStep):
    """Weights on a symmetric integer grid, activations in float.

    Attributes:
        bits: 8 or 4.
        granularity: one scale an output channel, or one a block of its input channels.
        block_size: input channels that share a scale with their whole kernels.
        rules: layers to leave alone.
    """

    stage: ClassVar[int | None] = 3
    bits: Literal[8, 4] = 8
    granularity: Literal["per_channel", "per_block"] = "per_channel"
    block_size: Annotated[int, Field(ge=2)] = 32
    rules: tuple[LayerRule, ...] = ()


def quantize(module: "nn.Module", step: WeightQuantization, context: "Context") -> "Outcome":
    """Put weights on grids, after folding the batch norms that would scale them again."""
    from exporter.compression.forms.folding import fold_batch_norms
    from exporter.compression.forms.nearest import feasible
    from exporter.compression.forms.precision import Precision
    from exporter.compression.layers import select
    from exporter.compression.model import Outcome
    from exporter.compression.rounding.rounding import give_forms

    fold_batch_norms(module)
    layers, skipped = select(module, step.rules)
    wanted = Precision("grid", step.bits, block_size=step.block_size if step.granularity == "per_block" else None)
    chosen = feasible(layers, lambda layer: wanted, skipped)
    return Outcome(module, tuple(skipped), give_forms(module, chosen, step, context), len(chosen))


METHOD = Method(WeightQuantization, quantize, example={"bits": 4})
