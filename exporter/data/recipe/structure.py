"""Steps that change a model's structure."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from exporter.data.recipe.base import ChannelRule, Count, LayerRule, Ratio, Step, Training


class ChannelPruning(Step):
    """Removes whole channels, through residuals, depthwise convolutions and concatenations (torch-pruning).

    Attributes:
        ratio: share of the channels to remove.
        macs: share of the multiply-accumulates to keep.
        parameters: share of the parameters to keep.
        criterion: what makes a channel important: norm of its weights, distance from the geometric median (FPGM),
            first-order Taylor expansion of the loss, batch-norm scale, or chance (the control).
        scope: ``local`` removes the same share everywhere, ``global`` ranks the channels of all layers together.
        round_to: channel counts stay multiples of this.
        max_ratio: most of a layer's channels that a global ranking may take.
        iterations: remove in so many rounds, following the AGP curve, with `training` (recovery) after each.
        training: recovery between the rounds.
        rules: layers to leave alone, or another ratio for them.
    """

    stage: ClassVar[int | None] = 0
    method: Literal["channel_pruning"] = "channel_pruning"
    ratio: Ratio | None = None
    macs: Ratio | None = None
    parameters: Ratio | None = None
    criterion: Literal["l1", "l2", "fpgm", "taylor", "bn_scale", "random"] = "l2"
    scope: Literal["local", "global"] = "local"
    round_to: Count = 1
    max_ratio: Ratio = 0.9
    iterations: Count = 1
    training: Training | None = None
    rules: tuple[ChannelRule, ...] = ()

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if sum(value is not None for value in (self.ratio, self.macs, self.parameters)) != 1:
            raise ValueError("give exactly one of ratio, macs and parameters")
        return self


class BlockRemoval(Step):
    """Removes whole residual blocks, those first whose absence changes the outputs least.

    Attributes:
        blocks: how many to remove.
        macs: share of the multiply-accumulates to keep.
        rules: blocks to keep, by name.
    """

    stage: ClassVar[int | None] = 0
    method: Literal["block_removal"] = "block_removal"
    blocks: Count | None = None
    macs: Ratio | None = None
    rules: tuple[LayerRule, ...] = ()

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.blocks is None) == (self.macs is None):
            raise ValueError("give exactly one of blocks and macs")
        return self


class LowRank(Step):
    """Replaces a linear layer or convolution by two of lower rank (singular value decomposition).

    Attributes:
        rank: of the factors.
        energy: share of the squared singular values to keep.
        rules: layers to leave alone.
    """

    stage: ClassVar[int | None] = 0
    method: Literal["low_rank"] = "low_rank"
    rank: Count | None = None
    energy: Ratio | None = None
    rules: tuple[LayerRule, ...] = ()

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.rank is None) == (self.energy is None):
            raise ValueError("give exactly one of rank and energy")
        return self
