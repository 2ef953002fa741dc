"""Masks on weights: exactly as many zeros as asked for, where the scores are lowest."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import Mask, bake, constrain, constraints_of
from exporter.compression.layers import Layer, weight_of

Scores = Callable[[Tensor], Tensor]
"""Weight -> importance of each element."""


def scorer(criterion: str, seed: int) -> Scores:
    """Importance by ``magnitude`` or by chance (``random``, the control)."""
    if criterion == "magnitude":
        return torch.abs
    generator = torch.Generator().manual_seed(seed)
    return lambda weight: torch.rand(weight.shape, generator=generator)


def masks(layers: Sequence[Layer], sparsities: Sequence[float], scope: str, scores: Scores) -> list[Tensor]:
    """One mask a layer: zeros where the scores are lowest, exactly as many as asked for.

    Args:
        layers: whose weights are ranked.
        sparsities: share of zeros of each; a global ranking takes the first one's for all.
        scope: ``local`` or ``global``.
        scores: importance of each element.
    """
    ranked = [scores(latent(layer.module)) for layer in layers]
    if scope == "local":
        return [lowest_to_zero(score, sparsity) for score, sparsity in zip(ranked, sparsities, strict=True)]
    flat = lowest_to_zero(torch.cat([score.flatten() for score in ranked]), sparsities[0])
    parts = torch.split(flat, [score.numel() for score in ranked])
    return [part.view_as(score) for part, score in zip(parts, ranked, strict=True)]


def lowest_to_zero(scores: Tensor, sparsity: float) -> Tensor:
    """1 everywhere but at the `sparsity` share of lowest scores; ties are broken by position."""
    mask = torch.ones_like(scores, dtype=torch.float32).flatten()
    dead = torch.argsort(scores.flatten(), stable=True)[: round(sparsity * scores.numel())]
    mask[dead] = 0
    return mask.view_as(scores)


def set_masks(layers: Sequence[Layer], wanted: Sequence[Tensor]) -> None:
    """Put a mask on each layer; a mask that is there is replaced."""
    for layer, mask in zip(layers, wanted, strict=True):
        bake(layer.module)
        constrain(layer.module, Mask(mask))


def latent(layer: nn.Module) -> Tensor:
    """The trained weight behind a mask, so that a weight that was taken early can come back."""
    if not constraints_of(layer):
        return weight_of(layer).detach()
    parametrized: Any = layer
    original: Tensor = parametrized.parametrizations["weight"].original
    return original.detach()


def mask_of(layer: nn.Module) -> Mask:
    """The layer's mask."""
    return next(item for item in constraints_of(layer) if isinstance(item, Mask))
