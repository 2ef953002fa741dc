"""Pruning of whole blocks of the weight matrix, a pattern that hardware can skip."""

from typing import TYPE_CHECKING, ClassVar

from exporter.compression.method import Method
from exporter.data.settings.recipe import Count, Ratio, SparsityRule, Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class BlockPruning(Step):
    """Sets whole blocks of the weight matrix (outputs by inputs times kernel) to zero, smallest norm first.

    Attributes:
        sparsity: share of the blocks.
        block: rows and columns of a block.
        rules: layers to leave alone, or another sparsity for them.
    """

    stage: ClassVar[int | None] = 1
    sparsity: Ratio
    block: tuple[Count, Count] = (1, 4)
    rules: tuple[SparsityRule, ...] = ()


def prune(module: "nn.Module", step: BlockPruning, context: "Context") -> "Outcome":
    """Zero the blocks of the weight matrix that have the smallest L2 norm."""
    from exporter.compression.layers import select
    from exporter.compression.model import Outcome
    from exporter.compression.pruning.masks import latent, set_masks
    from exporter.compression.pruning.patterns import block_mask, fitting

    rows, columns = step.block
    layers, excluded = select(module, step.rules)
    good, others = fitting(
        layers,
        lambda weight: weight.shape[0] % rows == 0 and weight[0].numel() % columns == 0,
        f"its weight matrix does not divide into blocks of {rows} x {columns}",
    )
    sparsities = [layer.options.get("sparsity", step.sparsity) for layer in good]
    pairs = zip(good, sparsities, strict=True)
    set_masks(good, [block_mask(latent(layer.module), sparsity, step.block) for layer, sparsity in pairs])
    return Outcome(module, (*excluded, *others))


METHOD = Method(BlockPruning, prune, example={"sparsity": 0.5})
