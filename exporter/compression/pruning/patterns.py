"""Masks in patterns that hardware and formats can skip: n zeros in every m, and whole blocks."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from exporter.compression.layers import Layer, left_alone
from exporter.compression.pruning.masks import latent, lowest_to_zero
from exporter.data.facts.compression import LeftAlone


def nm_mask(weight: Tensor, zeros: int, of: int) -> Tensor:
    """Mask of a weight (outputs, inputs, ...) with exactly `zeros` zeros in every `of` neighbouring inputs."""
    groups = torch.unflatten(weight.abs().movedim(1, -1), -1, (-1, of))
    dead = groups.argsort(dim=-1, stable=True)[..., :zeros]
    mask = torch.ones_like(groups).scatter(-1, dead, 0.0)
    return mask.flatten(-2).movedim(-1, 1)


def block_mask(weight: Tensor, sparsity: float, block: tuple[int, int]) -> Tensor:
    """Mask of a weight seen as a matrix (outputs, everything else), a `sparsity` share of its blocks zero."""
    rows, columns = block
    tiles = torch.unflatten(torch.unflatten(weight.flatten(1), 0, (-1, rows)), 2, (-1, columns))
    keep = lowest_to_zero(tiles.square().sum((1, 3)), sparsity)
    return keep[:, None, :, None].expand(tiles.shape).reshape(weight.shape)


def fitting(
    layers: Sequence[Layer], fits: Callable[[Tensor], bool], reason: str
) -> tuple[list[Layer], list[LeftAlone]]:
    """Layers whose weight the pattern fits, and the others with the reason."""
    good = [layer for layer in layers if fits(latent(layer.module))]
    others = [left_alone(layer, reason) for layer in layers if not fits(latent(layer.module))]
    return good, others
