"""Functions that move elements or make new tensors."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from exporter.sources.tracing.torch_rewrites.mode import as_constants, rewrite


@rewrite("diff")
def diff(x: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None) -> Tensor:
    """Differences of neighbours along an axis."""
    parts = [part for part in (prepend, x, append) if part is not None]
    result = torch.cat(parts, dim) if len(parts) > 1 else x
    for _ in range(n):
        length = int(result.shape[dim])
        late, early = result.narrow(dim, 1, length - 1), result.narrow(dim, 0, length - 1)
        result = torch.logical_xor(late, early) if result.dtype == torch.bool else late - early
    return result


def _size(size: Sequence[Any]) -> Any:
    return size[0] if len(size) == 1 and not isinstance(size[0], int | Tensor) else size


@rewrite("new_ones")
def new_ones(x: Tensor, *size: Any, dtype: torch.dtype | None = None, **given: Any) -> Tensor:
    """Ones of the type of x."""
    return torch.ones(given.get("size") or _size(size), dtype=dtype or x.dtype)


@rewrite("new_zeros", "new_empty")
def new_zeros(x: Tensor, *size: Any, dtype: torch.dtype | None = None, **given: Any) -> Tensor:
    """Zeros of the type of x."""
    return torch.zeros(given.get("size") or _size(size), dtype=dtype or x.dtype)


@rewrite("new_full")
def new_full(x: Tensor, size: Any, fill_value: Any, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    """A number everywhere, of the type of x."""
    return torch.full(size, fill_value, dtype=dtype or x.dtype)


@rewrite("swapaxes", "swapdims")
def swapaxes(x: Tensor, first: int | None = None, second: int | None = None, **given: int) -> Tensor:
    """Another name of transpose."""
    one, other = (given.get(f"axis{at}", given.get(f"dim{at}", value)) for at, value in enumerate((first, second)))
    assert one is not None
    assert other is not None
    return torch.transpose(x, one, other)


@rewrite("movedim", "moveaxis")
def movedim(x: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places."""
    sources, destinations = ([item] if isinstance(item, int) else list(item) for item in (source, destination))
    taken = dict(zip([item % x.ndim for item in destinations], [item % x.ndim for item in sources], strict=True))
    others = iter(axis for axis in range(x.ndim) if axis not in taken.values())
    return x.permute([taken[axis] if axis in taken else next(others) for axis in range(x.ndim)])


@rewrite("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Channels of the groups in turn."""
    batch, channels, *rest = map(int, x.shape)
    return x.reshape(batch, groups, channels // groups, *rest).transpose(1, 2).reshape(batch, channels, *rest)


@rewrite("kron")
def kron(x: Tensor, y: Tensor) -> Tensor:
    """The Kronecker product."""
    rank = max(x.ndim, y.ndim)
    one, other = ([1] * (rank - item.ndim) + [int(size) for size in item.shape] for item in (x, y))
    wide = x.reshape([size for length in one for size in (length, 1)])
    deep = y.reshape([size for length in other for size in (1, length)])
    return (wide * deep).reshape([length * more for length, more in zip(one, other, strict=True)])


@rewrite("cumsum")
def cumsum(x: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Any:
    """Running counts, as masks are made of: ONNX adds no truth values (operator CumSum-14)."""
    return torch.cumsum(x.to(dtype or torch.int64), dim) if x.dtype == torch.bool else NotImplemented


@rewrite("index_fill")
def index_fill(x: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A number at some places of an axis."""
    places = torch.arange(int(x.shape[dim])).reshape([-1] + [1] * (x.ndim - 1 - dim % x.ndim))
    chosen = (places.unsqueeze(-1) == index.reshape(-1)).to(torch.int32).sum(-1) > 0
    return torch.where(chosen, torch.as_tensor(value, dtype=x.dtype), x)


@rewrite("cumprod")
def cumprod(x: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Tensor:
    """Running products along an axis."""
    pieces = list(torch.split(x if dtype is None else x.to(dtype), 1, dim))
    for index in range(1, len(pieces)):
        pieces[index] = pieces[index - 1] * pieces[index]
    return torch.cat(pieces, dim)


@rewrite("pad")
def pad(x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """Around the edges; wrapped around as pieces, which Core ML does not know otherwise."""
    if mode != "circular":
        return NotImplemented
    for index in range(len(pad) // 2):
        axis, before, after = x.ndim - 1 - index, pad[2 * index], pad[2 * index + 1]
        length = int(x.shape[axis])
        pieces = [x.narrow(axis, length - before, before)] if before > 0 else []
        pieces += [x]
        pieces += [x.narrow(axis, 0, after)] if after > 0 else []
        x = torch.cat(pieces, axis) if len(pieces) > 1 else x
    return x


@rewrite("fold", "col2im")
def fold(x: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The sum of overlapping blocks: a transposed convolution whose kernel puts each element in its place."""
    (rows, columns), (height, width) = (_pair(item) for item in (output_size, kernel_size))
    steps, spread, edge = (_pair(item) for item in (stride, dilation, padding))
    if x.ndim != 3:
        return NotImplemented
    blocks = [
        (size + 2 * edge[axis] - spread[axis] * (length - 1) - 1) // steps[axis] + 1
        for axis, (size, length) in enumerate(((rows, height), (columns, width)))
    ]
    channels = int(x.shape[1]) // (height * width)
    with as_constants():
        kernel = torch.eye(channels * height * width, dtype=x.dtype).reshape(-1, channels, height, width)
    covered = [
        (blocks[axis] - 1) * steps[axis] - 2 * edge[axis] + spread[axis] * (length - 1) + 1
        for axis, length in enumerate((height, width))
    ]
    rest = [rows - covered[0], columns - covered[1]]
    return functional.conv_transpose2d(
        x.reshape(int(x.shape[0]), -1, *blocks),
        kernel,
        stride=steps,
        padding=edge,
        output_padding=rest,
        dilation=spread,
    )


def _pair(value: Any) -> list[int]:
    return [int(value)] * 2 if isinstance(value, int) else [int(item) for item in value]
