"""One layer as two thin ones (truncated singular value decomposition)."""

from typing import Any

import torch
from torch import Tensor, nn

FACTORED = (nn.Conv2d, nn.Linear)


def obstacle(layer: nn.Module) -> str | None:
    """Why `layer` has no factors; None where it has."""
    if not isinstance(layer, FACTORED):
        return "only Conv2d and Linear can be factorized"
    if isinstance(layer, nn.Conv2d) and layer.groups != 1:
        return "a grouped convolution has no single matrix"
    return None


def rank_of(weight: Tensor, rank: int | None, energy: float | None) -> int:
    """The rank asked for, at most the full one; or the least that keeps `energy` of the squared singular values."""
    values = torch.linalg.svdvals(weight.detach().flatten(1))
    if rank is not None:
        return min(rank, len(values))
    kept = values.square().cumsum(0) / values.square().sum()
    return int((kept < energy).sum()) + 1


def saves(weight: Tensor, rank: int) -> bool:
    """Whether two factors take fewer parameters than the weight."""
    outputs, inputs = weight.flatten(1).shape
    return rank * (outputs + inputs) < outputs * inputs


def factors(layer: nn.Module, rank: int) -> nn.Sequential:
    """Inputs to `rank` with the layer's kernel, then `rank` to outputs at each position."""
    whole: Any = layer
    left, values, right = torch.linalg.svd(whole.weight.detach().flatten(1), full_matrices=False)
    root = values[:rank].sqrt()
    first, second = _empty(layer, rank)
    with torch.no_grad():
        first.weight.copy_((root[:, None] * right[:rank]).view_as(first.weight))
        second.weight.copy_((left[:, :rank] * root).view_as(second.weight))
        if second.bias is not None:
            second.bias.copy_(whole.bias)
    return nn.Sequential(first, second).train(whole.training)


def _empty(layer: nn.Module, rank: int) -> tuple[Any, Any]:
    whole: Any = layer
    bias = whole.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, rank, bias=False), nn.Linear(rank, layer.out_features, bias=bias)
    first = nn.Conv2d(
        whole.in_channels,
        rank,
        whole.kernel_size,
        whole.stride,
        whole.padding,
        whole.dilation,
        bias=False,
        padding_mode=whole.padding_mode,
    )
    return first, nn.Conv2d(rank, whole.out_channels, 1, bias=bias)
