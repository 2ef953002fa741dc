"""Constants of an exported program, computed before coremltools reads it.

Masks, ranges and positions that depend on no input are often made by operators that coremltools translates badly
(infinities in a triangle, types of a mask); torch itself computes them here. Parameters and buffers stay as they are,
so that layers keep the weights by which they are known.
"""

import operator
from collections.abc import Mapping
from typing import Any

import torch

from exporter.sources.tracing.torch_rewrites import as_constants

_CONSTANT = torch.export.graph_signature.InputKind.CONSTANT_TENSOR


def fold_constants(program: Any) -> None:
    """Put values in the place of nodes of a ``torch.export.ExportedProgram`` that depend on no input."""
    graph = program.graph
    values = _given(program)
    for node in graph.nodes:
        if _is_foldable(node, values):
            value = _computed(node, values)
            if not _is_complex(
                value
            ):  # an ML program has no complex numbers, and coremltools knows pairs in their place
                values[node] = value
    for node, value in values.items():
        if node.op == "call_function" and isinstance(value, torch.Tensor) and _is_needed(node, values):
            _replace(program.graph_module, node, value)
    graph.eliminate_dead_code()


def _computed(node: Any, values: Mapping[Any, Any]) -> Any:
    args, kwargs = torch.fx.map_arg((node.args, node.kwargs), values.__getitem__)
    with as_constants(), torch.no_grad():
        return node.target(*args, **kwargs)


def _is_complex(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_complex()


def _given(program: Any) -> dict[Any, Any]:
    """Constant tensors of the program by the nodes that stand for them."""
    named = {
        spec.arg.name: program.constants[spec.target]
        for spec in program.graph_signature.input_specs
        if spec.kind == _CONSTANT
    }
    return {node: named[node.name] for node in program.graph.nodes if node.op == "placeholder" and node.name in named}


def _is_foldable(node: Any, values: Mapping[Any, Any]) -> bool:
    if node.op != "call_function" or any(source not in values for source in node.all_input_nodes):
        return False
    if node.target is operator.getitem:
        return True
    return isinstance(node.target, torch._ops.OpOverload) and torch.Tag.nondeterministic_seeded not in node.target.tags


def _is_needed(node: Any, values: Mapping[Any, Any]) -> bool:
    return any(user not in values for user in node.users)


def _replace(module: Any, node: Any, value: torch.Tensor) -> None:
    name = f"folded_{node.name}"
    if value.dtype == torch.int64:  # ML programs have 32 bits: the largest of those stands for the largest of 64
        value = value.clamp(torch.iinfo(torch.int32).min, torch.iinfo(torch.int32).max)
    module.register_buffer(name, value.contiguous(), persistent=False)
    with module.graph.inserting_before(node):
        constant = module.graph.get_attr(name)
    constant.meta = {**node.meta}
    node.replace_all_uses_with(constant)
