"""Convolution and transposed convolution in one to three dimensions. Semantics: coremltools ``iOS15/conv.py``."""

import torch
import torch.nn.functional as F  # noqa: N812

from exporter.formats.coreml.reference.family import Family, Ints, Tensor
from exporter.formats.coreml.reference.ops.spatial import flat, pad_amounts

FAMILY = Family("convolution")
_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@FAMILY.op("conv", fresh=True)
def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    strides: Ints | None = None,
    pad_type: str = "valid",
    pad: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Tensor:
    """Convolution of ``[n, C_in, *d]`` with ``[C_out, C_in / groups, *k]``."""
    rank = x.dim() - 2
    steps: list[int] = strides or [1] * rank
    spread: list[int] = dilations or [1] * rank
    kernel = [(size - 1) * dilation + 1 for size, dilation in zip(weight.shape[2:], spread, strict=True)]
    amounts = pad_amounts(pad_type, pad or [0] * 2 * rank, x.shape[2:], kernel, steps)
    if any(before != after for before, after in amounts):
        x, amounts = F.pad(x, flat(amounts)), [(0, 0)] * rank
    padding = [before for before, _ in amounts]
    if weight.dtype != x.dtype:
        weight = weight.to(x.dtype)
    if rank == 2:  # what comes out has its channels last too; a CPU takes 0.5 to 1 times as long so
        x = x.contiguous(memory_format=torch.channels_last)
    return _CONV[rank](x, weight, bias, steps, padding, spread, groups)


@FAMILY.op("conv_transpose", fresh=True)
def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    pad: Ints | None = None,
    output_shape: Ints | None = None,
    pad_type: str = "valid",
    strides: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Tensor:
    """Transposed convolution of ``[n, C_in, *d]`` with ``[C_in, C_out / groups, *k]``, cropped."""
    rank = x.dim() - 2
    steps: list[int] = strides or [1] * rank
    spread: list[int] = dilations or [1] * rank
    whole = _TRANSPOSED[rank](x, weight, None, steps, 0, 0, groups, spread)
    before, sizes = [0] * rank, list(whole.shape[2:])
    kind = pad_type.lower()
    if kind == "custom" and pad:
        before = [pad[2 * i] for i in range(rank)]
        sizes = [size - pad[2 * i] - pad[2 * i + 1] for i, size in enumerate(sizes)]
    elif kind in ("same", "same_lower"):
        sizes = [size * stride for size, stride in zip(x.shape[2:], steps, strict=True)]
        excess = [max(full - size, 0) for full, size in zip(whole.shape[2:], sizes, strict=True)]
        before = [amount - amount // 2 if kind == "same_lower" else amount // 2 for amount in excess]
    if output_shape:
        sizes = output_shape[2:]
    result = _window(whole, before, sizes)
    return result if bias is None else result + bias.reshape(-1, *[1] * rank)


def _window(x: Tensor, begin: list[int], sizes: list[int]) -> Tensor:
    """``x[..., begin : begin + size]`` in each spatial dimension; what lies past the end is zero."""
    missing = [max(start + size - full, 0) for start, size, full in zip(begin, sizes, x.shape[2:], strict=True)]
    if any(missing):
        x = F.pad(x, flat([(0, amount) for amount in missing]))
    for axis, (start, size) in enumerate(zip(begin, sizes, strict=True), 2):
        x = torch.narrow(x, axis, start, size)
    return x
