"""What nodes of ONNX graphs are called, and where their weights are."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError, UsageProblem
from exporter.formats.common.refusals import layer_path
from exporter.formats.common.rules import selects
from exporter.formats.onnx.settings import OnnxRule

WEIGHT_PLACES = {"Conv": 1, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}
"""Which input of a node is its weight."""


def copy_of(model: Any) -> Any:
    """A model of its own: ONNX Runtime's quantizers change, and move into files, the one that they are given."""
    copied = type(model)()
    copied.CopyFrom(model)
    return copied


def sort_nodes(model: Any) -> None:
    """Bring every node behind those whose values it reads, in place; otherwise the order stays."""
    graph = model.graph
    waiting, ordered = list(graph.node), []
    written = {name for node in waiting for name in node.output}
    while waiting:
        ready = [node for node in waiting if not written.intersection(node.input)]
        if not ready:
            raise ToolError("the nodes of the ONNX graph read one another's values in a circle")
        ordered += ready
        written -= {name for node in ready for name in node.output}
        waiting = [node for node in waiting if node not in ready]
    copies = [copy_of(node) for node in ordered]
    del graph.node[:]
    graph.node.extend(copies)


def layer_of(node: Any) -> str:
    """The dotted name of the PyTorch layer that a node came from, or the node's own name."""
    return layer_path(node.name) or str(node.name)


def channels_first(weight: NDArray[Any], node: Any) -> NDArray[Any]:
    """A weight with its output channels first, as PyTorch's layers have it."""
    transposed = any(item.name == "transB" and item.i for item in node.attribute)
    if node.op_type == "ConvTranspose" or node.op_type == "MatMul" or (node.op_type == "Gemm" and not transposed):
        return np.swapaxes(weight, 0, 1)
    return weight


def selected(nodes: Iterable[Any], rules: Sequence[OnnxRule]) -> list[str]:
    """Names of the nodes that a rule selects.

    Raises:
        UsageProblem: a rule selects none.
    """
    found: dict[str, None] = {}
    known = list(nodes)
    for index, rule in enumerate(rules):
        own = [node.name for node in known if selects(rule, node.op_type, layer_of(node))]
        if not own:
            what = f"op_type {rule.op_type!r}" if rule.op_type else f"op_name {rule.op_name!r}"
            layers = ", ".join(dict.fromkeys(f"{layer_of(node)} ({node.op_type})" for node in known[:3]))
            raise UsageProblem(f"quantization.rules.{index}: {what} matches no node; nodes are like {layers}.")
        found |= dict.fromkeys(own)
    return list(found)
