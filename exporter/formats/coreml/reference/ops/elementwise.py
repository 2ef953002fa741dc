"""Elementwise operations. Semantics: coremltools ``iOS15/elementwise_unary.py`` and ``elementwise_binary.py``."""

import torch

from exporter.formats.coreml.reference.dtypes import by_mil_name
from exporter.formats.coreml.reference.family import Family, Tensor

FAMILY = Family("elementwise")
FAMILY.unary(exact=True, abs=torch.abs, ceil=torch.ceil, floor=torch.floor, round=torch.round, sign=torch.sign)
FAMILY.unary(
    acos=torch.acos,
    asin=torch.asin,
    atan=torch.atan,
    atanh=torch.atanh,
    cos=torch.cos,
    cosh=torch.cosh,
    erf=torch.erf,
    exp=torch.exp,
    exp2=torch.exp2,
    logical_not=torch.logical_not,
    sin=torch.sin,
    sinh=torch.sinh,
    sqrt=torch.sqrt,
    square=torch.square,
    tan=torch.tan,
    tanh=torch.tanh,
)
FAMILY.binary(exact=True, maximum=torch.maximum, minimum=torch.minimum)
FAMILY.binary(
    add=torch.add,
    equal=torch.eq,
    floor_div=torch.floor_divide,
    greater=torch.gt,
    greater_equal=torch.ge,
    less=torch.lt,
    less_equal=torch.le,
    logical_and=torch.logical_and,
    logical_or=torch.logical_or,
    logical_xor=torch.logical_xor,
    mod=torch.remainder,
    mul=torch.mul,
    not_equal=torch.ne,
    pow=torch.pow,
    real_div=torch.true_divide,
    sub=torch.sub,
)


@FAMILY.op("clip", exact=True)
def clip(x: Tensor, alpha: float, beta: float) -> Tensor:
    """Values below alpha become alpha, above beta become beta."""
    return torch.clamp(x, alpha, beta)


@FAMILY.op("threshold", exact=True)
def threshold(x: Tensor, alpha: Tensor) -> Tensor:
    """``max(x, alpha)``."""
    return torch.maximum(x, alpha)


@FAMILY.op("inverse")
def inverse(x: Tensor, epsilon: float = 1e-4) -> Tensor:
    """``1 / (x + epsilon)``."""
    return torch.reciprocal(x + epsilon)


@FAMILY.op("log")
def log(x: Tensor, epsilon: float = 1e-45) -> Tensor:
    """``log(x + epsilon)``."""
    return torch.log(x + epsilon)


@FAMILY.op("rsqrt")
def rsqrt(x: Tensor, epsilon: float = 1e-12) -> Tensor:
    """``1 / sqrt(x + epsilon)``."""
    return torch.rsqrt(x + epsilon)


@FAMILY.op("cast")
def cast(x: Tensor, dtype: str) -> Tensor:
    """To another dtype: towards zero from float to int, ``!= 0`` to bool."""
    return x.to(by_mil_name(dtype).storage)


@FAMILY.op("select", exact=True)
def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """`a` where `cond` holds, otherwise `b`."""
    return torch.where(cond, a, b)
