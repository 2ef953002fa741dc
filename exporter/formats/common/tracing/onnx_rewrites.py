"""Rewrites of ONNX graphs into equal ones that onnx2tf translates rightly."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnx
from onnx import helper, numpy_helper

from exporter.data.facts.source import InputSpec


def strided_slices_to_pools(model: Any) -> Any:
    """Replace ``x[:, :, ::s, ::t]`` by a max pool of one pixel with strides (s, t), in place; gives the model.

    onnx2tf 1.29 guesses the layout of a slice's result from its shape, and guesses wrong when channels, height and
    width are equal: the shortcuts of CIFAR ResNets come out with their axes mixed up. Pools have no such doubt.
    """
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    shapes = shapes_of(model)
    for index, node in enumerate(model.graph.node):
        strides = _strides(node, constants, shapes)
        if strides is not None:
            pool = helper.make_node(
                "MaxPool", [node.input[0]], list(node.output), name=node.name, kernel_shape=[1, 1], strides=strides
            )
            model.graph.node[index].CopyFrom(pool)
    return model


_ANY_LENGTH = 2**31 - 1
"""An end that is beyond every axis."""
_FIRST, _LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def channels_moved(model: Any, images: Sequence[str], to: Literal["first", "last"]) -> Any:
    """A model that takes `images`, and gives its outputs of four dimensions, with channels first or last.

    Args:
        model: has them the other way; it is left as it is.
        images: names of inputs of four dimensions.
    """
    moved = type(model)()
    moved.CopyFrom(model)
    graph, (there, back) = moved.graph, (_FIRST, _LAST) if to == "first" else (_LAST, _FIRST)
    for value in graph.input:
        if value.name in images:
            inner, name = f"{value.name}/as_it_was", f"{value.name}/Transpose"
            _rename(graph, value.name, inner, outputs=False)
            graph.node.insert(0, helper.make_node("Transpose", [value.name], [inner], name=name, perm=back))
            _permute(value, there)
    for value in graph.output:
        if len(value.type.tensor_type.shape.dim) == 4:
            inner, name = f"{value.name}/as_it_was", f"{value.name}/Transpose"
            _rename(graph, value.name, inner, outputs=True)
            graph.node.append(helper.make_node("Transpose", [inner], [value.name], name=name, perm=there))
            _permute(value, there)
    del graph.value_info[:]
    return onnx.shape_inference.infer_shapes(moved)


def _rename(graph: Any, old: str, new: str, *, outputs: bool) -> None:
    """Rename a value where nodes read it, and with `outputs` where one writes it."""
    for node in graph.node:
        for names in (node.input, node.output) if outputs else (node.input,):
            for index, name in enumerate(names):
                names[index] = new if name == old else name


def _permute(value: Any, axes: Sequence[int]) -> None:
    shape = value.type.tensor_type.shape
    moved = [shape.dim[axis] for axis in axes]
    value.type.tensor_type.shape.CopyFrom(type(shape)(dim=moved))


def with_shapes(model: Any, inputs: Sequence[InputSpec], names: Mapping[str, Mapping[int, str]]) -> Any:
    """Write the shapes of `inputs` into a model, in place; gives the model.

    Args:
        names: input -> open dimension -> its name; other dimensions are fixed.
    """
    values = {value.name: value for value in model.graph.input}
    for spec in inputs:
        for axis, dim in enumerate(values[spec.name].type.tensor_type.shape.dim):
            name = names.get(spec.name, {}).get(axis)
            if name is None:
                dim.dim_value = spec.shape[axis]
            else:
                dim.dim_param = name
    return model


def shapes_of(model: Any) -> dict[str, list[int]]:
    """Inferred shapes of an ONNX model's inner values, 0 where a length is not known."""
    return {item.name: [dim.dim_value for dim in item.type.tensor_type.shape.dim] for item in model.graph.value_info}


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
        if start != 0 or end < (shape[axis] or _ANY_LENGTH) or step < 1 or (axis < 2 and step != 1):
            return None
        if axis >= 2:
            strides[axis - 2] = step
    return strides if strides != [1, 1] else None
