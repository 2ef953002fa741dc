"""Functions that work element by element."""

import math
from typing import Any

import torch
from torch import Tensor

from exporter.sources.tracing.torch_rewrites.mode import as_constants, is_float, rewrite


@rewrite("trunc", "fix")
def trunc(x: Tensor) -> Any:
    """Towards zero: ONNX and Core ML round down only."""
    return torch.sign(x) * torch.floor(torch.abs(x)) if is_float(x) else NotImplemented


@rewrite("frac")
def frac(x: Tensor) -> Any:
    """What is behind the point, with the sign."""
    return x - torch.sign(x) * torch.floor(torch.abs(x))


@rewrite("fmod")
def fmod(x: Any, divisor: Any) -> Any:
    """The rest with the sign of the dividend."""
    if not is_float(x):
        return NotImplemented
    return torch.sign(x) * torch.remainder(torch.abs(x), abs(divisor))


@rewrite("floor_divide", "__floordiv__")
def floor_divide(x: Any, divisor: Any) -> Any:
    """Rounded down: the ONNX exporter rounds towards zero, as torch did before 1.13."""
    return torch.div(x, divisor, rounding_mode="floor") if is_float(x) or is_float(divisor) else NotImplemented


@rewrite("__rfloordiv__")
def reversed_floor_divide(x: Tensor, dividend: Any) -> Any:
    """The same with the operands in the other order."""
    return torch.div(torch.as_tensor(dividend), x, rounding_mode="floor") if is_float(x) else NotImplemented


@rewrite("sinh")
def sinh(x: Tensor) -> Tensor:
    """Hyperbolic sine."""
    return (torch.exp(x) - torch.exp(-x)) / 2


@rewrite("cosh")
def cosh(x: Tensor) -> Tensor:
    """Hyperbolic cosine."""
    return (torch.exp(x) + torch.exp(-x)) / 2


@rewrite("asinh", "arcsinh")
def asinh(x: Tensor) -> Tensor:
    """Inverse hyperbolic sine."""
    return torch.sign(x) * torch.log(torch.abs(x) + torch.sqrt(x * x + 1))


@rewrite("acosh", "arccosh")
def acosh(x: Tensor) -> Tensor:
    """Inverse hyperbolic cosine."""
    return torch.log(x + torch.sqrt(x * x - 1))


@rewrite("atanh", "arctanh")
def atanh(x: Tensor) -> Tensor:
    """Inverse hyperbolic tangent."""
    return torch.log((1 + x) / (1 - x)) / 2


@rewrite("atan2", "arctan2")
def atan2(y: Tensor, x: Tensor) -> Tensor:
    """The angle of a point; the ONNX exporter's own form is wrong on the negative axis, where y is zero."""
    quotient = torch.atan(y / torch.where((x == 0) & (y == 0), torch.ones_like(x), x))
    turned = torch.where(y >= 0, quotient + math.pi, quotient - math.pi)
    return torch.where(x < 0, turned, quotient)


@rewrite("expm1", "special_expm1")
def expm1(x: Tensor) -> Tensor:
    """exp(x) - 1, as a hyperbolic tangent of half of x where x is small: no digits are lost there."""
    half = torch.tanh(x / 2)
    return torch.where(torch.abs(x) < 1, 2 * half / (1 - half), torch.exp(x) - 1)


@rewrite("erfc", "special_erfc")
def erfc(x: Tensor) -> Tensor:
    """What the error function leaves to one."""
    return 1 - torch.erf(x)


@rewrite("exp2", "special_exp2")
def exp2(x: Tensor) -> Tensor:
    """Powers of two."""
    return torch.exp(x * math.log(2.0))


@rewrite("log10")
def log10(x: Tensor) -> Tensor:
    """Decimal logarithm."""
    return torch.log(x) / math.log(10.0)


@rewrite("sinc", "special_sinc")
def sinc(x: Tensor) -> Tensor:
    """sin(pi x) / (pi x)."""
    angle = torch.where(x == 0, torch.ones_like(x), x) * math.pi
    return torch.where(x == 0, torch.ones_like(x), torch.sin(angle) / angle)


@rewrite("hypot")
def hypot(x: Tensor, y: Tensor) -> Tensor:
    """The longest side of a right triangle."""
    return torch.sqrt(x * x + y * y)


@rewrite("logaddexp")
def logaddexp(x: Tensor, y: Tensor) -> Tensor:
    """log(exp(x) + exp(y))."""
    return torch.maximum(x, y) + torch.log(1 + torch.exp(-torch.abs(x - y)))


@rewrite("log_sigmoid", "logsigmoid")
def log_sigmoid(x: Tensor) -> Tensor:
    """log(1 / (1 + exp(-x)))."""
    return torch.minimum(x, torch.zeros_like(x)) - torch.log(1 + torch.exp(-torch.abs(x)))


@rewrite("celu")
def celu(x: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Exponential below zero; Core ML has ELU only."""
    return torch.relu(x) + alpha * (torch.exp(torch.clamp(x, max=0.0) / alpha) - 1)


@rewrite("softshrink")
def softshrink(x: Tensor, lambd: float = 0.5) -> Tensor:
    """Nearer to zero by `lambd`."""
    return torch.relu(x - lambd) - torch.relu(-x - lambd)


@rewrite("hardshrink")
def hardshrink(x: Tensor, lambd: float = 0.5) -> Tensor:
    """Zero between -lambd and lambd."""
    return torch.where(torch.abs(x) > lambd, x, torch.zeros_like(x))


@rewrite("threshold")
def threshold(x: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """A number where x is not above the threshold."""
    return torch.where(x > threshold, x, torch.full_like(x, value))


_LOGICAL = {
    "__or__": torch.logical_or,
    "__and__": torch.logical_and,
    "__xor__": torch.logical_xor,
    "bitwise_or": torch.logical_or,
    "bitwise_and": torch.logical_and,
    "bitwise_xor": torch.logical_xor,
    "__ror__": torch.logical_or,
    "__rand__": torch.logical_and,
    "__rxor__": torch.logical_xor,
}


def _logical(name: str) -> None:
    def apply(x: Any, y: Any) -> Any:
        if not all(isinstance(item, Tensor) and item.dtype == torch.bool for item in (x, y)):
            return NotImplemented
        return _LOGICAL[name](x, y)

    rewrite(name)(apply)


for _name in _LOGICAL:
    _logical(_name)


@rewrite("bucketize")
def bucketize(x: Tensor, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """How many boundaries lie below each element."""
    below = boundaries <= x.unsqueeze(-1) if right else boundaries < x.unsqueeze(-1)
    return below.to(torch.int32).sum(-1).to(torch.int32 if out_int32 else torch.int64)


@rewrite("searchsorted")
def searchsorted(boundaries: Tensor, x: Any, *, out_int32: bool = False, right: bool = False, **others: Any) -> Any:
    """The same, with the operands in the other order; each row has its own boundaries."""
    if not isinstance(x, Tensor) or others.get("side") or others.get("sorter") is not None:
        return NotImplemented
    own = boundaries if boundaries.ndim == 1 else boundaries.unsqueeze(-2)
    return bucketize(x, own, out_int32=out_int32, right=right)


_WINDOWS = ("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window")


def _constant_window(name: str) -> None:
    def window(*given: Any, **named: Any) -> Tensor:
        with as_constants():
            result: Tensor = getattr(torch, name)(*given, **named)
        return result

    rewrite(name)(window)


for _name in _WINDOWS:
    _constant_window(_name)
