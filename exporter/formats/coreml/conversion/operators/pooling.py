"""Adaptive pools of volumes, whose windows need not be equal.

Window i of n over a length goes from floor(i length / n) to ceil((i + 1) length / n) (PyTorch, ``AdaptiveAvgPool3d``);
the means and the greatest of boxes are those along one axis after the other.
"""

from collections.abc import Callable
from math import ceil
from typing import Any

from exporter.formats.coreml.conversion.operators.registering import add_first, builder, known, operands, translation


@translation("adaptive_avg_pool3d", "_adaptive_avg_pool3d")
def adaptive_avg_pool3d(context: Any, node: Any) -> None:
    """``adaptive_avg_pool3d(x, output_size)``: the mean of each window."""
    pooled = _pooled(context, node, builder().reduce_mean)
    context.add(builder().identity(x=pooled, name=node.name))


@translation("adaptive_max_pool3d")
def adaptive_max_pool3d(context: Any, node: Any) -> None:
    """``adaptive_max_pool3d(x, output_size)``: the greatest of each window; its place is given to nobody."""
    pooled = _pooled(context, node, builder().reduce_max)
    add_first(context, node, builder().identity(x=pooled, name=node.outputs[0]), 2)


def _pooled(context: Any, node: Any, reduce: Callable[..., Any]) -> Any:
    x, output_size = operands(context, node, "self", "output_size")
    for axis, size in zip(range(x.rank - 3, x.rank), known(output_size), strict=True):
        x = _along(x, axis, size, reduce)
    return x


def _along(x: Any, axis: int, size: int, reduce: Callable[..., Any]) -> Any:
    length = x.shape[axis]
    if size == length:
        return x
    ends = [(index * length // size, ceil((index + 1) * length / size)) for index in range(size)]
    windows = [reduce(x=_part(x, axis, *end), axes=[axis], keep_dims=True) for end in ends]
    return builder().concat(values=windows, axis=axis) if size > 1 else windows[0]


def _part(x: Any, axis: int, first: int, end: int) -> Any:
    begin = [first if index == axis else 0 for index in range(x.rank)]
    size = [end - first if index == axis else -1 for index in range(x.rank)]
    return builder().slice_by_size(x=x, begin=begin, size=size)
