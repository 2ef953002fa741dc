"""Reductions. Semantics: coremltools ``iOS15/reduction.py``."""

from collections.abc import Callable

import torch

from exporter.formats.coreml.reference.family import Family, Function, Ints, Tensor

FAMILY = Family("reductions")


def _over_axes(reduce: Callable[[Tensor, list[int], bool], Tensor]) -> Function:
    def operation(x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
        return reduce(x, list(axes) if axes else list(range(x.dim())), keep_dims)

    return operation


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
        x = torch.prod(x, axis, keepdim=keep)
    return x


def _mean(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    wide = x if x.is_floating_point() else x.to(torch.float64)
    return torch.mean(wide, axes, keepdim=keep)


_REDUCTIONS: dict[str, Callable[[Tensor, list[int], bool], Tensor]] = {
    "reduce_l1_norm": lambda x, axes, keep: torch.sum(x.abs(), axes, keepdim=keep),
    "reduce_l2_norm": lambda x, axes, keep: torch.sqrt(torch.sum(x.square(), axes, keepdim=keep)),
    "reduce_log_sum": lambda x, axes, keep: torch.log(torch.sum(x, axes, keepdim=keep)),
    "reduce_log_sum_exp": lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep),
    "reduce_max": lambda x, axes, keep: torch.amax(x, axes, keepdim=keep),
    "reduce_mean": _mean,
    "reduce_min": lambda x, axes, keep: torch.amin(x, axes, keepdim=keep),
    "reduce_prod": _product,
    "reduce_sum": lambda x, axes, keep: torch.sum(x, axes, keepdim=keep),
    "reduce_sum_square": lambda x, axes, keep: torch.sum(x.square(), axes, keepdim=keep),
}
for _name, _reduce in _REDUCTIONS.items():
    FAMILY.add(_name, _over_axes(_reduce))


@FAMILY.op("reduce_argmax")
def reduce_argmax(x: Tensor, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Tensor:
    """Index of the largest value; of equal ones, the first."""
    return torch.argmax(x, axis, keepdim=keep_dims)


@FAMILY.op("reduce_argmin")
def reduce_argmin(x: Tensor, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Tensor:
    """Index of the smallest value; of equal ones, the first."""
    return torch.argmin(x, axis, keepdim=keep_dims)
