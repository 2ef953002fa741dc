"""Which operators of an exported program are decomposed before coremltools reads it."""

from typing import Any

import torch
from torch._decomp import decomposition_table

from exporter.execution.heavy import load
from exporter.formats.coreml.conversion.operators import register_operators


def core_operators() -> Any:
    """The table that leaves torch's core operators, and no recurrent layer and no fused attention."""
    return torch.export.default_decompositions()


def known_operators() -> Any:
    """The table that decomposes only what coremltools does not translate."""
    register_operators()
    table = core_operators()
    for operator in list(table.keys()):
        if translates(operator):
            table.pop(operator)
    for operator, function in decomposition_table.items():
        if isinstance(operator, torch._ops.OpOverload) and operator not in table and not translates(operator):
            table[operator] = function
    return table


def translates(operator: Any) -> bool:
    """Whether coremltools has a translation of an overload."""
    registry = load("coremltools.converters.mil.frontend.torch.torch_op_registry")
    return registry._TORCH_OPS_REGISTRY.get_func(operator.name()) is not None
