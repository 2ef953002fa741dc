"""The places where TFLite and Core ML quantize activations.

A range of its own has the input and every operation, but an activation function is part of the operation before it, and
what only moves values keeps its input's range.
"""

import operator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from exporter.compression.layers import WEIGHTED
from exporter.compression.model import Examples

_FUSED_MODULES = (nn.ReLU, nn.ReLU6)
_FUSED_FUNCTIONS = (functional.relu, functional.relu6, torch.relu)
_FUSED_METHODS = ("relu", "relu_")
_FUSING_FUNCTIONS = (
    torch.add,
    operator.add,
    operator.iadd,
    torch.mul,
    operator.mul,
    functional.conv2d,
    functional.linear,
)
_MOVING_MODULES = (
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
    nn.Flatten,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.Unflatten,
    nn.ZeroPad2d,
    nn.ConstantPad2d,
    nn.PixelShuffle,
    nn.ChannelShuffle,
    nn.Upsample,
)
_MOVING_FUNCTIONS = (
    torch.flatten,
    torch.reshape,
    torch.transpose,
    torch.permute,
    torch.squeeze,
    torch.unsqueeze,
    torch.chunk,
    torch.split,
    functional.pad,
    functional.max_pool2d,
    functional.avg_pool2d,
    functional.dropout,
    functional.interpolate,
    operator.getitem,
)
_MOVING_METHODS = (
    "view",
    "reshape",
    "flatten",
    "permute",
    "transpose",
    "squeeze",
    "unsqueeze",
    "contiguous",
    "size",
    "chunk",
    "split",
)


def quantized_nodes(graph_module: fx.GraphModule, example_inputs: Examples) -> list[fx.Node]:
    """Nodes whose floating-point result has a range of its own, in the order of computation."""
    modules = dict(graph_module.named_modules())
    values = node_values(graph_module, example_inputs)
    found = []
    for node in graph_module.graph.nodes:
        value = values.get(node)
        if node.op in ("get_attr", "output") or not isinstance(value, Tensor) or not value.is_floating_point():
            continue
        if not _only_moves(node, modules) and not _continues(node, modules):
            found.append(node)
    return found


def node_values(graph_module: fx.GraphModule, example_inputs: Examples) -> dict[fx.Node, Any]:
    """Value of every node for these inputs."""
    values: dict[fx.Node, Any] = {}

    class Recorder(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            values[n] = super().run_node(n)
            return values[n].clone() if isinstance(values[n], Tensor) else values[n]  # an in-place function comes next

    with torch.no_grad():
        Recorder(graph_module.eval()).run(*example_inputs)
    return values


def _only_moves(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], _MOVING_MODULES)
    if node.op == "call_function":
        return node.target in _MOVING_FUNCTIONS
    return node.op == "call_method" and node.target in _MOVING_METHODS


def _continues(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Whether the only user is an activation function that is fused into this operation."""
    if node.op == "call_module":
        fusing = isinstance(modules[str(node.target)], (*WEIGHTED, nn.BatchNorm2d))
    else:
        fusing = node.op == "call_function" and node.target in _FUSING_FUNCTIONS
    users = list(node.users)
    return fusing and len(users) == 1 and _is_fused(users[0], modules)


def _is_fused(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        module = modules[str(node.target)]
        return isinstance(module, _FUSED_MODULES) or (
            isinstance(module, nn.Hardtanh) and (module.min_val, module.max_val) in ((0, 6), (-1, 1))
        )
    if node.op == "call_function":
        return node.target in _FUSED_FUNCTIONS
    return node.op == "call_method" and node.target in _FUSED_METHODS
