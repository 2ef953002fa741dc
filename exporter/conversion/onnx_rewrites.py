"""Rewrites of ONNX graphs into equal ones that onnx2tf translates rightly."""

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
