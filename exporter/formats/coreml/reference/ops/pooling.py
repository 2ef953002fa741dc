"""Pooling in one to three dimensions. Semantics: coremltools ``iOS15/pool.py``."""

import math

import torch
import torch.nn.functional as F  # noqa: N812

from exporter.formats.coreml.reference.family import Family, Ints, Tensor
from exporter.formats.coreml.reference.ops.spatial import flat, pad_amounts

FAMILY = Family("pooling")
_MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def _padding(
    x: Tensor, kernel: list[int], strides: list[int], pad_type: str, pad: list[int] | None, ceil_mode: bool
) -> tuple[list[tuple[int, int]], list[int]]:
    """Padding as declared, and the elements past the end that ceil mode adds."""
    sizes = list(x.shape[2:])
    amounts = pad_amounts(pad_type, pad or [0] * 2 * len(sizes), sizes, kernel, strides)
    extra = [0] * len(sizes)
    if ceil_mode:
        for axis, (size, extent, stride) in enumerate(zip(sizes, kernel, strides, strict=True)):
            before, after = amounts[axis]
            steps = math.ceil((size + before + after - extent) / stride)
            if steps * stride >= size + before:  # the last window must start inside the input or its padding before
                steps -= 1
            extra[axis] = max(steps * stride + extent - (size + before + after), 0)
    return amounts, extra


@FAMILY.op("max_pool", exact=True)
def max_pool(
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Largest value of each window; padding never wins."""
    rank = x.dim() - 2
    steps = strides or [1] * rank
    amounts, extra = _padding(x, kernel_sizes, steps, pad_type, pad, ceil_mode)
    amounts = [(before, after + more) for (before, after), more in zip(amounts, extra, strict=True)]
    if all(before == after <= size // 2 for (before, after), size in zip(amounts, kernel_sizes, strict=True)):
        return _MAX[rank](x, kernel_sizes, steps, [before for before, _ in amounts])
    return _MAX[rank](F.pad(x, flat(amounts), value=-torch.inf), kernel_sizes, steps)


@FAMILY.op("avg_pool")
def avg_pool(
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
    exclude_padding_from_average: bool = False,
) -> Tensor:
    """Mean of each window; what ceil mode adds past the padding is never counted, as in PyTorch."""
    rank = x.dim() - 2
    steps = strides or [1] * rank
    amounts, extra = _padding(x, kernel_sizes, steps, pad_type, pad, ceil_mode)
    padded = [(before, after + more) for (before, after), more in zip(amounts, extra, strict=True)]
    if not any(map(any, padded)):
        return _AVERAGE[rank](x, kernel_sizes, steps)
    total = _AVERAGE[rank](F.pad(x, flat(padded)), kernel_sizes, steps)
    counted = torch.ones_like(x[:1, :1])
    if not exclude_padding_from_average:
        counted = F.pad(counted, flat(amounts), value=1)
        padded = [(0, more) for more in extra]
    share = _AVERAGE[rank](F.pad(counted, flat(padded)), kernel_sizes, steps)
    return total / share


@FAMILY.op("l2_pool")
def l2_pool(
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Square root of the sum of squares of each window."""
    rank = x.dim() - 2
    steps = strides or [1] * rank
    amounts, extra = _padding(x, kernel_sizes, steps, pad_type, pad, ceil_mode)
    padded = [(before, after + more) for (before, after), more in zip(amounts, extra, strict=True)]
    mean = _AVERAGE[rank](F.pad(x.square(), flat(padded)), kernel_sizes, steps)
    return torch.sqrt(mean * math.prod(kernel_sizes))
