"""Pruning of n in every m weights, a pattern that hardware can skip."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from exporter.compression.method import Method
from exporter.data.settings.recipe import Count, LayerRule, Need, Step

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class NmPruning(Step):
    """Sets n of every m neighbouring input channels' weights to zero.

    Attributes:
        zeros: n.
        of: m.
        reconstruction: ``sparsegpt`` takes the zeros that cost each layer's outputs least on calibration data and has
            the other weights make up for them (Frantar and Alistarh 2023); batch norms are folded before.
        rules: layers to leave alone.
    """

    stage: ClassVar[int | None] = 1
    zeros: Count = 2
    of: Annotated[int, Field(ge=2)] = 4
    reconstruction: Literal["none", "sparsegpt"] = "none"
    rules: tuple[LayerRule, ...] = ()

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.zeros >= self.of:
            raise ValueError("n of m zeros: zeros must be less than of")
        return self

    def needs(self) -> tuple[Need, ...]:
        """Examples for a reconstruction."""
        return () if self.reconstruction == "none" else (Need.CALIBRATION,)


def prune(module: "nn.Module", step: NmPruning, context: "Context") -> "Outcome":
    """Zero the n smallest of every m neighbouring input channels at each kernel position."""
    from exporter.compression.forms.folding import fold_batch_norms
    from exporter.compression.layers import select
    from exporter.compression.model import Outcome
    from exporter.compression.pruning.masks import latent, set_masks
    from exporter.compression.pruning.patterns import fitting, nm_mask
    from exporter.compression.rounding.sparsegpt import prune_pattern_on_data

    if step.reconstruction == "sparsegpt":
        fold_batch_norms(module)
    layers, excluded = select(module, step.rules)
    reason = f"its input channels are no multiple of {step.of}"
    good, others = fitting(layers, lambda weight: weight.shape[1] % step.of == 0, reason)
    if step.reconstruction == "sparsegpt":
        return Outcome(module, (*excluded, *others), prune_pattern_on_data(module, good, step.zeros, step.of, context))
    set_masks(good, [nm_mask(latent(layer.module), step.zeros, step.of) for layer in good])
    return Outcome(module, (*excluded, *others))


METHOD = Method(NmPruning, prune)
