"""A whole ONNX graph as a function of TensorFlow tensors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onnx import numpy_helper

from exporter.formats.tflite.conversion.builders.gelu import fuse_gelus
from exporter.formats.tflite.onnx_tensorflow import (  # noqa: F401 - they enter their operators into OPERATORS
    convolution,
    elementwise,
    indexing,
    normalization,
    pooling,
    products,
    recurrent,
    resampling,
    shapes,
)
from exporter.formats.tflite.onnx_tensorflow.node import OPERATORS, Node, Value, read_node, tf


def translate(model: Any, channels_last: Sequence[str]) -> Callable[[Mapping[str, Any]], dict[str, Value]]:
    """A function that computes every value of an ONNX model.

    Args:
        model: an ONNX ModelProto with static shapes.
        channels_last: names of inputs that come with channels last.

    Returns:
        A function from tensors by input name to values by name: inputs, every node's results, outputs.

    Raises:
        UntranslatableError: an operator is not known (from here), or a form of one (from the function).
    """
    opset = next(item.version for item in model.opset_import if item.domain in ("", "ai.onnx"))
    arrays = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    for item in model.graph.node:
        if item.op_type not in OPERATORS:
            raise read_node(item, opset).fail("")
    nodes = [(read_node(item, opset), list(item.input)) for item in fuse_gelus(list(model.graph.node), arrays)]

    def compute(inputs: Mapping[str, Any]) -> dict[str, Value]:
        values = {name: Value(constant=array) for name, array in arrays.items()}
        values |= {name: _input(tensor, name in channels_last) for name, tensor in inputs.items()}
        for node, operands in nodes:
            with tf.name_scope(_scope(node.name or node.kind)):
                result = _applied(node, [values[name] if name else None for name in operands])
            results = [result] if isinstance(result, Value) else result
            if any(name for name in node.outputs[len(results) :]):
                raise node.fail("only its first result is known here")
            values |= dict(zip(node.outputs, results, strict=False))
        return values

    return compute


def _applied(node: Node, operands: Sequence[Value | None]) -> Any:
    """What an operator gives; TensorFlow's own refusals name it too."""
    try:
        return OPERATORS[node.kind](node, *operands)
    except (tf.errors.OpError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise node.fail(str(error)) from error


def _input(tensor: Any, is_last: bool) -> Value:
    return Value(last=tensor) if is_last else Value(tensor)


def _scope(name: str) -> str:
    """A node's name in the letters that TensorFlow allows, ended by a slash so that it is taken as it is."""
    kept = "".join(letter if letter.isalnum() or letter in "._/-" else "_" for letter in name.strip("/"))
    return (kept if kept[:1].isalnum() else f"n{kept}") + "/"
