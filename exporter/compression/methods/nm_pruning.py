"""Pruning of n in every m weights, a pattern that hardware can skip."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from exporter.compression.method import Method
from exporter.data.settings.recipe import Count, LayerRule, Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class NmPruning(Step):
    """Sets n of every m neighbouring input channels' weights to zero.

    Attributes:
        zeros: n.
        of: m.
        rules: layers to leave alone.
    """

    stage: ClassVar[int | None] = 1
    zeros: Count = 2
    of: Annotated[int, Field(ge=2)] = 4
    rules: tuple[LayerRule, ...] = ()

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.zeros >= self.of:
            raise ValueError("n of m zeros: zeros must be less than of")
        return self


def prune(module: "nn.Module", step: NmPruning, context: "Context") -> "Outcome":
    """Zero the n smallest of every m neighbouring input channels at each kernel position."""
    from exporter.compression.layers import select
    from exporter.compression.model import Outcome
    from exporter.compression.pruning.masks import latent, set_masks
    from exporter.compression.pruning.patterns import fitting, nm_mask

    layers, excluded = select(module, step.rules)
    reason = f"its input channels are no multiple of {step.of}"
    good, others = fitting(layers, lambda weight: weight.shape[1] % step.of == 0, reason)
    set_masks(good, [nm_mask(latent(layer.module), step.zeros, step.of) for layer in good])
    return Outcome(module, (*excluded, *others))


METHOD = Method(NmPruning, prune)
