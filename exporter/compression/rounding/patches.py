"""Inputs of a layer as rows of a matrix, at some of the places where it is applied."""

from typing import Any

import torch
from torch import Tensor, nn

PLACES = 64
"""Places of one example at which a convolution or a linear layer is looked at, at most."""

TAKEN = (nn.Conv1d, nn.Conv2d, nn.Linear)


def places(layer: nn.Module, output: Tensor, generator: torch.Generator) -> Tensor:
    """Drawn indices of the layer's places within one example of its output, ascending; int64."""
    count = output[0].numel() // _width(layer)
    return torch.randperm(count, generator=generator)[:PLACES].sort().values


def outputs_at(layer: nn.Module, output: Tensor, chosen: Tensor) -> Tensor:
    """What the layer gives at the chosen places, (groups, rows, outputs of a group)."""
    if isinstance(layer, nn.Linear):
        return output.reshape(len(output), -1, output.shape[-1])[:, chosen].flatten(0, 1)[None]
    flat = output.flatten(2)[:, :, chosen].movedim(1, 2).flatten(0, 1)
    return torch.unflatten(flat, 1, (_groups(layer), -1)).movedim(1, 0)


def patches_at(layer: nn.Module, value: Tensor, chosen: Tensor) -> Tensor:
    """What the layer reads at the chosen places, (groups, rows, inputs of an output), ordered as its weight is."""
    if isinstance(layer, nn.Linear):
        return value.reshape(len(value), -1, value.shape[-1])[:, chosen].flatten(0, 1)[None]
    convolution: Any = layer
    planar, (stride, dilation, kernel) = _planar(convolution, value)
    across = (planar.shape[-1] - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1
    rows = (chosen // across * stride[0])[:, None] + dilation[0] * torch.arange(kernel[0])
    columns = (chosen % across * stride[1])[:, None] + dilation[1] * torch.arange(kernel[1])
    read = planar[:, :, rows[:, :, None], columns[:, None, :]]  # (examples, channels, places, kernel, kernel)
    grouped = torch.unflatten(read, 1, (convolution.groups, -1)).permute(1, 0, 3, 2, 4, 5)
    return grouped.flatten(3).flatten(1, 2)


def weight_rows(layer: nn.Module, weight: Tensor) -> Tensor:
    """The weight as (groups, outputs of a group, inputs of an output), a view where it can be."""
    return weight.reshape(_groups(layer), -1, weight[0].numel())


def _planar(convolution: Any, value: Tensor) -> tuple[Tensor, tuple[Any, Any, Any]]:
    """The padded input with two axes of space, and stride, dilation and kernel for both."""
    sizes = (convolution.stride, convolution.dilation, convolution.kernel_size)
    mode = "constant" if convolution.padding_mode == "zeros" else convolution.padding_mode
    padded = nn.functional.pad(value, convolution._reversed_padding_repeated_twice, mode=mode)
    if isinstance(convolution, nn.Conv1d):
        return padded.unsqueeze(2), tuple((1, *size) for size in sizes)  # type: ignore[return-value]
    return padded, sizes


def _groups(layer: nn.Module) -> int:
    return int(getattr(layer, "groups", 1))


def _width(layer: nn.Module) -> int:
    weight: Any = layer.weight
    return int(weight.shape[0])
