"""Low-rank factorization: one layer becomes two thin ones (truncated singular value decomposition)."""

from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.layers import Layer, left_alone, select
from exporter.compression.model import Context, Outcome
from exporter.data.recipe import LowRank


def factorize(module: nn.Module, step: LowRank, context: Context) -> Outcome:
    """Replace each layer by two where that takes fewer parameters."""
    layers, skipped = select(module, step.rules, (nn.Conv2d, nn.Linear))
    ranks: dict[str, int] = {}
    for layer in layers:
        if not isinstance(layer.module, nn.Conv2d | nn.Linear):
            skipped.append(left_alone(layer, "only Conv2d and Linear can be factorized"))
            continue
        if isinstance(layer.module, nn.Conv2d) and layer.module.groups != 1:
            skipped.append(left_alone(layer, "a grouped convolution has no single matrix"))
            continue
        rank = _rank(layer.module.weight, step)
        outputs, inputs = layer.module.weight.flatten(1).shape
        if rank * (outputs + inputs) >= outputs * inputs:
            skipped.append(left_alone(layer, f"rank {rank} would take more parameters than it has"))
            continue
        module.set_submodule(layer.name, _factors(layer, rank))
        ranks[layer.name] = rank
    return Outcome(module, tuple(skipped), {"ranks": ranks})


def _rank(weight: Tensor, step: LowRank) -> int:
    values = torch.linalg.svdvals(weight.detach().flatten(1))
    if step.rank is not None:
        return min(step.rank, len(values))
    kept = values.square().cumsum(0) / values.square().sum()
    return int((kept < step.energy).sum()) + 1


def _factors(layer: Layer, rank: int) -> nn.Sequential:
    """Inputs to `rank` with the layer's kernel, then `rank` to outputs at each position."""
    whole: Any = layer.module
    left, values, right = torch.linalg.svd(whole.weight.detach().flatten(1), full_matrices=False)
    root = values[:rank].sqrt()
    bias = whole.bias is not None
    if isinstance(layer.module, nn.Conv2d):
        first: nn.Conv2d | nn.Linear = nn.Conv2d(
            whole.in_channels, rank, whole.kernel_size, whole.stride, whole.padding, whole.dilation,
            bias=False, padding_mode=whole.padding_mode,
        )  # fmt: skip
        second: nn.Conv2d | nn.Linear = nn.Conv2d(rank, whole.out_channels, 1, bias=bias)
    else:
        first, second = nn.Linear(whole.in_features, rank, bias=False), nn.Linear(rank, whole.out_features, bias=bias)
    with torch.no_grad():
        first.weight.copy_((root[:, None] * right[:rank]).view_as(first.weight))
        second.weight.copy_((left[:, :rank] * root).view_as(second.weight))
        if bias:
            assert second.bias is not None
            second.bias.copy_(whole.bias)
    return nn.Sequential(first, second).train(whole.training)
