"""Translations of PyTorch operators that coremltools 9.0 lacks, registered with it."""

from functools import cache
from typing import Any

from exporter.execution.heavy import load
from exporter.formats.coreml.coremltools import load_coremltools


@cache
def register_operators() -> None:
    """Make them known to coremltools, once; what it knows by then is left alone."""
    load_coremltools()
    registry = load("coremltools.converters.mil.frontend.torch.torch_op_registry")
    for operator in (prod,):
        if registry._TORCH_OPS_REGISTRY.get_func(operator.__name__) is None:
            registry._TORCH_OPS_REGISTRY.register_func(operator)


def _operands(context: Any, node: Any) -> list[Any]:
    return [None if name is None else context[name] for name in node.inputs]


def prod(context: Any, node: Any) -> None:
    """``prod(x, *, dtype)`` and ``prod(x, dim, keepdim, *, dtype)``: the product over an axis or all of them."""
    builder = load("coremltools").converters.mil.Builder
    x, *rest = _operands(context, node)
    if len(rest) < 2:
        context.add(builder.reduce_prod(x=x, keep_dims=False, name=node.name))
        return
    context.add(builder.reduce_prod(x=x, axes=[rest[0].val], keep_dims=bool(rest[1].val), name=node.name))
