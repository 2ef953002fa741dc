"""Low-rank factorization: one layer becomes two thin ones."""

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import model_validator

from exporter.compression.method import Method
from exporter.data.settings.recipe import Count, LayerRule, Ratio, Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.layers import Layer
    from exporter.compression.model import Context, Outcome


class LowRank(Step):
    """Replaces a linear layer or convolution by two of lower rank (singular value decomposition).

    Attributes:
        rank: of the factors.
        energy: share of the squared singular values to keep.
        rules: layers to leave alone.
    """

    stage: ClassVar[int | None] = 0
    rank: Count | None = None
    energy: Ratio | None = None
    rules: tuple[LayerRule, ...] = ()

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.rank is None) == (self.energy is None):
            raise ValueError("give exactly one of rank and energy")
        return self


def factorize(module: "nn.Module", step: LowRank, context: "Context") -> "Outcome":
    """Replace each layer by two where that takes fewer parameters."""
    from exporter.compression.layers import left_alone, select
    from exporter.compression.model import Outcome
    from exporter.compression.structure.factors import FACTORED, factors

    layers, skipped = select(module, step.rules, FACTORED)
    ranks: dict[str, int] = {}
    for layer in layers:
        rank, reason = _rank(layer, step)
        if reason:
            skipped.append(left_alone(layer, reason))
            continue
        module.set_submodule(layer.name, factors(layer.module, rank))
        ranks[layer.name] = rank
    return Outcome(module, tuple(skipped), {"ranks": ranks})


def _rank(layer: "Layer", step: LowRank) -> tuple[int, str | None]:
    """The rank of the factors, or why the layer stays whole."""
    from exporter.compression.layers import weight_of
    from exporter.compression.structure.factors import obstacle, rank_of, saves

    reason = obstacle(layer.module)
    if reason:
        return 0, reason
    weight = weight_of(layer.module)
    rank = rank_of(weight, step.rank, step.energy)
    return rank, None if saves(weight, rank) else f"rank {rank} would take more parameters than it has"


METHOD = Method(LowRank, factorize, example={"rank": 4})
