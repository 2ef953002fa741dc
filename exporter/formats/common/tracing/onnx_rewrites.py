"""Rewrites of ONNX graphs into equal ones that onnx2tf translates rightly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


def strided_slices_to_pools(model: Any) -> Any:
    """Replace ``x[:, :, ::s, ::t]`` by a max pool of one pixel with strides (s, t), in place; gives the model.

    onnx2tf 1.29 guesses the layout of a slice's result from its shape, and guesses wrong when channels, height and
    width are equal: the shortcuts of CIFAR ResNets come out with their axes mixed up. Pools have no such doubt.
    """
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    shapes = {item.name: [dim.dim_value for dim in item.type.tensor_type.shape.dim] for item in model.graph.value_info}
    for index, node in enumerate(model.graph.node):
        strides = _strides(node, constants, shapes)
        if strides is not None:
            pool = helper.make_node(
                "MaxPool", [node.input[0]], list(node.output), name=node.name, kernel_shape=[1, 1], strides=strides
            )
            model.graph.node[index].CopyFrom(pool)
    onnx.checker.check_model(model)
    return model


def channels_to_front(model: Any, images: Sequence[str]) -> None:
    """Make a model with channels last take `images`, and give its outputs of four dimensions, with channels first.

    Its own names stay; the model computes what it did.
    """
    graph = model.graph
    for value in graph.input:
        if value.name in images:
            last, name = f"{value.name}/channels_last", f"{value.name}/to_last"
            _rename(graph, value.name, last, outputs=False)
            graph.node.insert(0, helper.make_node("Transpose", [value.name], [last], name=name, perm=[0, 2, 3, 1]))
            _permute(value, (0, 3, 1, 2))
    for value in graph.output:
        if len(value.type.tensor_type.shape.dim) == 4:
            last, name = f"{value.name}/channels_last", f"{value.name}/to_first"
            _rename(graph, value.name, last, outputs=True)
            graph.node.append(helper.make_node("Transpose", [last], [value.name], name=name, perm=[0, 3, 1, 2]))
            _permute(value, (0, 3, 1, 2))
    del graph.value_info[:]  # inferred anew


def _rename(graph: Any, old: str, new: str, *, outputs: bool) -> None:
    """Rename a value where nodes read it, and with `outputs` where one writes it."""
    for node in graph.node:
        for names in (node.input, node.output) if outputs else (node.input,):
            for index, name in enumerate(names):
                names[index] = new if name == old else name


def _permute(value: Any, axes: Sequence[int]) -> None:
    dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    for dim, axis in zip(value.type.tensor_type.shape.dim, axes, strict=True):
        dim.dim_value = dims[axis]


def _strides(node: Any, constants: dict[str, np.ndarray[Any, Any]], shapes: dict[str, list[int]]) -> list[int] | None:
    """Strides over height and width of a slice that does nothing else; None for every other node."""
    shape = shapes.get(node.input[0]) if node.op_type == "Slice" else None
    if (
        shape is None
        or len(shape) != 4
        or len(node.input) != 5
        or any(name not in constants for name in node.input[1:])
    ):
        return None
    starts, ends, axes, steps = (constants[name].tolist() for name in node.input[1:])
    strides = [1, 1]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis %= 4
        if start != 0 or end < shape[axis] or step < 1 or (axis < 2 and step != 1):
            return None
        if axis >= 2:
            strides[axis - 2] = step
    return strides if strides != [1, 1] else None
