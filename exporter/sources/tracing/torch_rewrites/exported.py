"""Operators of exported programs in torch's core set, as the functions that converters know better.

Where an operator gives statistics or indices as well, only its first result is of use to a model that runs.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from exporter.sources.tracing.torch_rewrites.layers import averaged
from exporter.sources.tracing.torch_rewrites.mode import rewrite


@rewrite("_softmax", "_safe_softmax", "special_softmax")
def softmax(x: Tensor, dim: int, *_: Any, **__: Any) -> Tensor:
    """Shares along an axis."""
    return functional.softmax(x, dim)


@rewrite("_log_softmax")
def log_softmax(x: Tensor, dim: int, *_: Any) -> Tensor:
    """Their logarithms."""
    return functional.log_softmax(x, dim)


@rewrite("_to_copy")
def to_copy(x: Tensor, *, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    """Another type."""
    return x.to(dtype) if dtype is not None else x.clone()


@rewrite("lift_fresh_copy", "lift_fresh", "alias")
def same(x: Tensor) -> Tensor:
    """Nothing but bookkeeping."""
    return x.clone()


@rewrite("aten::full")
def full(size: Any, value: Any, *, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    """A number everywhere; a trace cannot hold one that is a bool."""
    if dtype == torch.bool or isinstance(value, bool):
        return torch.ones(size, dtype=torch.bool) if value else torch.zeros(size, dtype=torch.bool)
    return torch.full(size, value, dtype=dtype)


@rewrite("aten::hardtanh")
def hardtanh(x: Tensor, least: float = -1.0, most: float = 1.0) -> Tensor:
    """Between two numbers."""
    return torch.clamp(x, least, most)


@rewrite("aten::_adaptive_avg_pool2d")
def adaptive_avg_pool(x: Tensor, size: Any) -> Tensor:
    """Means of parts."""
    return averaged(x, size)


@rewrite("native_group_norm")
def group_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, n: int, c: int, hw: int, groups: int, eps: float
) -> tuple[Any, Any, Any]:
    """Normalized groups of channels."""
    return functional.group_norm(x, groups, weight, bias, eps), None, None


@rewrite("native_layer_norm")
def layer_norm(x: Tensor, shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float) -> tuple[Any, Any, Any]:
    """Normalized last axes."""
    return functional.layer_norm(x, shape, weight, bias, eps), None, None


@rewrite("_native_batch_norm_legit_no_training")
def batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor, variance: Tensor, momentum: float, eps: float
) -> tuple[Any, Any, Any]:
    """A line a channel."""
    return functional.batch_norm(x, mean, variance, weight, bias, False, momentum, eps), None, None


@rewrite("aten::max_pool2d_with_indices")
def max_pool(
    x: Tensor, kernel: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil: bool = False
) -> Any:
    """The largest element of each window."""
    return functional.max_pool2d(x, kernel, stride or None, padding, dilation, ceil), None
