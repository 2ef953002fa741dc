"""Rewrites of ONNX graphs into equal ones through which a converter can leave channels last.

onnx2tf's direct builder moves channels through convolutions, pools and sums, and puts transposes round a batch norm
that no convolution took in and round what comes before a mean over height and width: 119 of them in DenseNet-121.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from exporter.formats.common.tracing.onnx_rewrites import shapes_of

Constants = Mapping[str, NDArray[Any]]


def channels_can_stay_last(model: Any) -> Any:
    """A model with convolutions for lone batch norms, and pools for means; the given one is left as it is.

    Args:
        model: an ONNX ModelProto with inferred shapes, images NCHW.
    """
    changed = type(model)()
    changed.CopyFrom(model)
    graph = changed.graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    shapes = shapes_of(changed)
    nodes: list[Any] = []
    for node in graph.node:
        shape = shapes.get(node.input[0], []) if node.input else []
        nodes += _rewritten(graph, node, shape, constants) if len(shape) == 4 and all(shape) else [node]
    del graph.node[:]
    graph.node.extend(nodes)
    return changed


def _rewritten(graph: Any, node: Any, shape: Sequence[int], constants: Constants) -> list[Any]:
    if node.op_type == "GlobalAveragePool":
        return [_pool(node, shape, node.output[0])]
    if node.op_type == "ReduceMean" and _axes(node, constants) == [2, 3]:
        return _pooled(graph, node, shape)
    if node.op_type == "BatchNormalization" and len(node.output) == 1 and set(node.input[1:]) <= set(constants):
        return [_convolution(graph, node, [constants[name].astype(np.float64) for name in node.input[1:]])]
    return [node]


def _axes(node: Any, constants: Constants) -> list[int]:
    """Axes of a mean, which are an attribute up to opset 17 and an input from 18 on; empty where they are not known."""
    given = next((list(item.ints) for item in node.attribute if item.name == "axes"), None)
    if given is None and len(node.input) > 1 and node.input[1] in constants:
        given = constants[node.input[1]].tolist()
    return sorted(axis % 4 for axis in given or ())


def _pooled(graph: Any, node: Any, shape: Sequence[int]) -> list[Any]:
    """The pool of a mean, and the shape that the mean gives where it drops height and width."""
    result = node.output[0]
    if next((item.i for item in node.attribute if item.name == "keepdims"), 1):
        return [_pool(node, shape, result)]
    pooled, wanted = f"{result}/pooled", f"{result}/shape"
    graph.initializer.append(numpy_helper.from_array(np.array(shape[:2], np.int64), wanted))
    return [
        _pool(node, shape, pooled),
        helper.make_node("Reshape", [pooled, wanted], [result], name=f"{node.name}/Reshape"),
    ]


def _pool(node: Any, shape: Sequence[int], result: str) -> Any:
    return helper.make_node("AveragePool", node.input[:1], [result], name=node.name, kernel_shape=list(shape[2:]))


def _convolution(graph: Any, node: Any, parts: Sequence[NDArray[np.float64]]) -> Any:
    """A depthwise convolution of one pixel: ``(x - mean) / sqrt(var + epsilon) * scale + bias`` (ONNX operators)."""
    scale, bias, mean, variance = parts
    epsilon = next((item.f for item in node.attribute if item.name == "epsilon"), 1e-5)
    factor = scale / np.sqrt(variance + epsilon)
    weights = {"weight": factor.reshape(-1, 1, 1, 1), "bias": bias - mean * factor}
    names = [f"{node.output[0]}/{name}" for name in weights]
    for name, values in zip(names, weights.values(), strict=True):
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    inputs = [node.input[0], *names]
    return helper.make_node("Conv", inputs, list(node.output), name=node.name, group=len(factor), kernel_shape=[1, 1])
