"""Block removal: residual blocks without which the outputs change least are bypassed."""

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import model_validator

from exporter.compression.method import Method
from exporter.data.settings.recipe import Count, LayerRule, Need, Ratio, Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class BlockRemoval(Step):
    """Removes whole residual blocks, those first whose absence changes the outputs least.

    Attributes:
        blocks: how many to remove.
        macs: share of the multiply-accumulates to keep.
        rules: blocks to keep, by name.
    """

    stage: ClassVar[int | None] = 0
    blocks: Count | None = None
    macs: Ratio | None = None
    rules: tuple[LayerRule, ...] = ()

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.blocks is None) == (self.macs is None):
            raise ValueError("give exactly one of blocks and macs")
        return self

    def needs(self) -> tuple[Need, ...]:
        """Examples to measure each block's influence on."""
        return (Need.CALIBRATION,)


def remove(module: "nn.Module", step: BlockRemoval, context: "Context") -> "Outcome":
    """Replace blocks by the identity, one at a time, until the number or the share of MACs is reached."""
    from exporter.compression.layers import options_for
    from exporter.compression.model import Outcome
    from exporter.compression.stats import macs
    from exporter.compression.structure.blocks import remove_blocks

    inputs = context.example_inputs
    before = macs(module, inputs)

    def enough(removed: int) -> bool:
        if step.macs is None:
            return removed == step.blocks
        return macs(module, inputs) <= step.macs * before

    def may_go(name: str) -> bool:
        return options_for(name, module.get_submodule(name), step.rules).get("apply") is not False

    removed = remove_blocks(module, inputs, context.data.calibration, enough=enough, may_go=may_go)
    return Outcome(module, notes={"removed": removed})


METHOD = Method(BlockRemoval, remove, example={"blocks": 1})
