"""Normalization. Semantics: coremltools ``iOS15/normalization.py``."""

import torch
import torch.nn.functional as F  # noqa: N812

from exporter.formats.coreml.reference.family import Family, Ints, Tensor

FAMILY = Family("normalization")


@FAMILY.op("batch_norm", fresh=True)
def batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, by channel (axis 1)."""
    return F.batch_norm(x, mean, variance, gamma, beta, training=False, eps=epsilon)


@FAMILY.op("instance_norm")
def instance_norm(x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, epsilon: float = 1e-5) -> Tensor:
    """Each channel of each example normalized over its spatial dimensions; one element gives beta."""
    axes = tuple(range(2, x.dim()))
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    shape = (-1, *[1] * (x.dim() - 2))
    result = (x - mean) * torch.rsqrt(variance + epsilon)
    if gamma is not None:
        result = result * gamma.reshape(shape)
    return result if beta is None else result + beta.reshape(shape)


@FAMILY.op("l2_norm")
def l2_norm(x: Tensor, epsilon: float = 1e-6) -> Tensor:
    """Divided by the root of the sum of squares over the last three dimensions."""
    return x / torch.sqrt(x.square().sum((-3, -2, -1), keepdim=True) + epsilon)


@FAMILY.op("layer_norm")
def layer_norm(
    x: Tensor,
    axes: Ints | None = None,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """Normalized over `axes`, then scaled and shifted by tensors of the shape of those axes."""
    rank = x.dim()
    over = sorted(axis % rank for axis in axes) if axes else list(range(rank))
    shape = [x.shape[axis] if axis in over else 1 for axis in range(rank)]
    if over == list(range(rank - len(over), rank)):
        return F.layer_norm(x, [x.shape[axis] for axis in over], gamma, beta, epsilon)
    variance, mean = torch.var_mean(x, over, correction=0, keepdim=True)
    result = (x - mean) * torch.rsqrt(variance + epsilon)
    if gamma is not None:
        result = result * gamma.reshape(shape)
    return result if beta is None else result + beta.reshape(shape)


@FAMILY.op("local_response_norm")
def local_response_norm(x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha / size * sum of squares of neighbouring channels) ** beta``."""
    return F.local_response_norm(x, size, alpha, beta, k)
