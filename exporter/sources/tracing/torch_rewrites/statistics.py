"""Functions that tell of many elements at once."""

from typing import Any

import torch
from torch import Tensor

from exporter.sources.tracing.torch_rewrites.mode import rewrite


@rewrite("var_mean")
def var_mean(x: Tensor, dim: Any = None, *given: Any, **named: Any) -> tuple[Tensor, Tensor]:
    """Variance and mean, which Core ML knows one by one."""
    return _spread_and_mean(torch.var, x, dim, *given, **named)


@rewrite("std_mean")
def std_mean(x: Tensor, dim: Any = None, *given: Any, **named: Any) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean."""
    return _spread_and_mean(torch.std, x, dim, *given, **named)


def _spread_and_mean(
    spread: Any,
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> tuple[Tensor, Tensor]:
    """As torch takes them: whether it is unbiased may stand where the axes would."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    axes = tuple(range(x.ndim)) if dim is None else dim
    less = int(unbiased) if correction is None else correction
    return spread(x, axes, correction=less, keepdim=keepdim), torch.mean(x, axes, keepdim=keepdim)


@rewrite("median")
def median(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower one of two in the middle, as the largest of the smaller half."""
    flat = x.reshape(-1) if dim is None else x
    axis = -1 if dim is None else dim
    half = torch.topk(flat, (int(flat.shape[axis]) + 1) // 2, dim=axis, largest=False, sorted=True)
    found = [part.narrow(axis, int(part.shape[axis]) - 1, 1) for part in half]
    if dim is None:
        return found[0].reshape(())
    values, places = (part if keepdim else part.squeeze(axis) for part in found)
    return torch.return_types.median((values, places))
