"""Functions that work element by element, and products of elements."""

from typing import Any

from exporter.execution.heavy import load
from exporter.formats.coreml.conversion.operators.registering import builder, known, operands, translation


def _alike(*values: Any) -> Any:
    """Values of one type, as PyTorch promotes them."""
    return load("coremltools.converters.mil.mil.ops.defs._utils").promote_input_dtypes(list(values))


@translation("addcmul")
def addcmul(context: Any, node: Any) -> None:
    """``addcmul(x, first, second, *, value=1)``: x + value * first * second."""
    x, first, second, value = operands(context, node, "self", "tensor1", "tensor2", "value")
    product = builder().mul(x=first, y=second)
    _add_scaled(context, node, x, product, known(value, 1))


@translation("addcdiv")
def addcdiv(context: Any, node: Any) -> None:
    """``addcdiv(x, first, second, *, value=1)``: x + value * first / second."""
    x, first, second, value = operands(context, node, "self", "tensor1", "tensor2", "value")
    quotient = builder().real_div(x=first, y=second)
    _add_scaled(context, node, x, quotient, known(value, 1))


def _add_scaled(context: Any, node: Any, x: Any, term: Any, factor: float) -> None:
    if factor != 1:
        term, factor = _alike(term, factor)
        term = builder().mul(x=term, y=factor)
    one, other = _alike(x, term)
    context.add(builder().add(x=one, y=other, name=node.name))


@translation("log_sigmoid")
def log_sigmoid(context: Any, node: Any) -> None:
    """``log_sigmoid(x)``: min(x, 0) - log(1 + exp(-abs(x))), which never overflows."""
    make = builder()
    (x,) = operands(context, node, "self")
    less = make.exp(x=make.mul(x=make.abs(x=x), y=-1.0))
    rest = make.log(x=make.add(x=less, y=1.0))
    context.add(make.sub(x=make.minimum(x=x, y=0.0), y=rest, name=node.name))


@translation("prelu", "_prelu_kernel", instead=True)
def prelu(context: Any, node: Any) -> None:
    """``prelu(x, weight)``: a slope a channel (the second axis) below zero.

    The operation of Core ML wants constant slopes and an axis behind the channels; elsewhere it is written out.
    """
    make = builder()
    x, weight = operands(context, node, "self", "weight")
    slopes = getattr(weight, "val", None)
    if slopes is not None and x.rank > 2 and x.shape[1] in (slopes.size, x.shape[1]):
        full = slopes.reshape(-1) if slopes.size == x.shape[1] else slopes.reshape(-1).repeat(x.shape[1])
        context.add(make.prelu(x=x, alpha=full, name=node.name))
        return
    if weight.rank == 1 and x.rank > 2:
        weight = make.reshape(x=weight, shape=[-1, *[1] * (x.rank - 2)])
    below = make.mul(x=make.minimum(x=x, y=0.0), y=weight)
    context.add(make.add(x=make.relu(x=x), y=below, name=node.name))


@translation("prod", "prod.dim_int")
def prod(context: Any, node: Any) -> None:
    """``prod(x, *, dtype)`` and ``prod(x, dim, keepdim, *, dtype)``: the product over an axis or all of them."""
    make = builder()
    over_axis = node.kind.endswith("dim_int") or len(node.inputs) > 2
    names = ("self", "dim", "keepdim", "dtype") if over_axis else ("self", "dtype")
    given = dict(zip(names, operands(context, node, *names), strict=True))
    x, axis, kept = given["self"], known(given.get("dim")), bool(known(given.get("keepdim"), False))
    axes = None if axis is None else [axis]
    context.add(make.reduce_prod(x=x, axes=axes, keep_dims=kept, name=node.name))
