"""Activations. Source of the semantics: coremltools ``mil/ops/defs/iOS15/activation.py`` and its iOS 17 version."""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from exporter.formats.coreml.reference.family import Family, Tensor

FAMILY = Family("activations")
FAMILY.unary(exact=True, relu=torch.relu)
FAMILY.unary(sigmoid=torch.sigmoid, silu=F.silu, softsign=F.softsign)


@FAMILY.op("relu6", exact=True)
def relu6(x: Tensor) -> Tensor:
    """``min(max(x, 0), 6)``."""
    return torch.clamp(x, 0, 6)


@FAMILY.op("softplus")
def softplus(x: Tensor) -> Tensor:
    """``log(1 + e^x)`` without overflow; torch's version turns linear above a threshold."""
    return torch.logaddexp(x, torch.zeros_like(x))


@FAMILY.op("clamped_relu")
def clamped_relu(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """``min(beta, x)`` for x >= 0, otherwise ``min(beta, alpha * x)``."""
    return torch.minimum(beta, torch.where(x >= 0, x, alpha * x))


@FAMILY.op("elu")
def elu(x: Tensor, alpha: Tensor) -> Tensor:
    """``x`` for x > 0, otherwise ``alpha * (e^x - 1)``."""
    return torch.where(x > 0, x, alpha * torch.expm1(torch.clamp(x, max=0)))


@FAMILY.op("gelu")
def gelu(x: Tensor, mode: str = "EXACT") -> Tensor:
    """Gaussian error linear unit, in one of MIL's three forms."""
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    return F.gelu(x, approximate="tanh" if mode == "TANH_APPROXIMATION" else "none")


@FAMILY.op("leaky_relu")
def leaky_relu(x: Tensor, alpha: Tensor) -> Tensor:
    """``x`` for x >= 0, otherwise ``alpha * x``."""
    return torch.where(x >= 0, x, alpha * x)


@FAMILY.op("linear_activation")
def linear_activation(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """``alpha * x + beta``."""
    return x * alpha + beta


@FAMILY.op("prelu")
def prelu(x: Tensor, alpha: Tensor) -> Tensor:
    """``x_i`` for x_i > 0, otherwise ``alpha_i * x_i``, by channel (axis 1)."""
    return torch.where(x > 0, x, _by_channel(alpha, x) * x)


@FAMILY.op("scaled_tanh")
def scaled_tanh(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """``alpha * tanh(beta * x)``."""
    return alpha * torch.tanh(beta * x)


@FAMILY.op("sigmoid_hard")
def sigmoid_hard(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """``min(max(alpha * x + beta, 0), 1)``."""
    return torch.clamp(alpha * x + beta, 0, 1)


@FAMILY.op("softplus_parametric")
def softplus_parametric(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """``alpha_i * log(1 + e^(beta_i * x_i))``, by channel (axis 1)."""
    return _by_channel(alpha, x) * softplus(_by_channel(beta, x) * x)


@FAMILY.op("softmax")
def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Softmax over `axis`."""
    return torch.softmax(x, axis)


@FAMILY.op("thresholded_relu", exact=True)
def thresholded_relu(x: Tensor, alpha: Tensor) -> Tensor:
    """``x`` for x >= alpha, otherwise 0."""
    return torch.where(x >= alpha, x, torch.zeros_like(x))


def _by_channel(parameter: Tensor, x: Tensor) -> Tensor:
    return parameter.reshape([-1, *[1] * (x.dim() - 2)]) if parameter.dim() == 1 else parameter
