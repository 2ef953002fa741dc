"""Pads of max pools in a calibrated file: what is least of all floats must not decide a scale."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporter.formats.tflite.conversion.file import operator_code, pack, parse
from exporter.formats.tflite.quantization import edit

_LEAST = -1e30
"""Below it lies what stands for minus infinity: -3.4e38, or infinity itself."""


def with_finite_pads(calibrated: bytes) -> bytes:
    """A calibrated file that pads with the least value of what is padded, where it padded with minus infinity.

    No value of a window lies below that one, so that the largest stays the largest; and the padded tensor has the range
    of what it was made of, instead of one that reaches to -3.4e38.
    """
    model, changed = parse(calibrated), 0
    for graph in model.subgraphs:
        for operator in graph.operators:
            if (
                operator_code(model, operator) == schema.BuiltinOperator.PADV2
                and _value(model, graph, operator) < _LEAST
            ):
                _pad_with_least(model, graph, operator)
                changed += 1
    return pack(model) if changed else calibrated


def with_int16_pads(content: bytes) -> bytes:
    """A file of int16 activations whose pads are int16 too; TensorFlow's quantizer leaves them in float32.

    Args:
        content: what the quantizer gave.
    """
    model, changed = parse(content), 0
    for graph in model.subgraphs:
        for operator in graph.operators:
            if operator_code(model, operator) == schema.BuiltinOperator.PADV2:
                changed += _to_int16(model, graph, operator)
    return pack(model) if changed else content


def _to_int16(model: Any, graph: Any, operator: Any) -> bool:
    given, value = (graph.tensors[operator.inputs[place]] for place in (0, 2))
    if given.type != schema.TensorType.INT16 or value.type != edit.FLOAT32:
        return False
    steps = np.round(_value(model, graph, operator) / given.quantization.scale[0])
    integer = np.array(np.clip(steps, -(2**15) + 1, 2**15 - 1), np.int16)
    place = edit.constant(model, graph, value.name + b"_int16", integer)
    graph.tensors[place].quantization = given.quantization
    operator.inputs = np.array([operator.inputs[0], operator.inputs[1], place], np.int32)
    return True


def _value(model: Any, graph: Any, operator: Any) -> float:
    tensor = graph.tensors[operator.inputs[2]]
    data = model.buffers[tensor.buffer].data
    if data is None or len(data) != 4 or tensor.type != edit.FLOAT32:
        return 0.0
    return float(np.asarray(data, np.uint8).view(np.float32)[0])


def _pad_with_least(model: Any, graph: Any, operator: Any) -> None:
    given, padded = (graph.tensors[index].quantization for index in (operator.inputs[0], operator.outputs[0]))
    if given is None or given.min is None or padded is None:
        return
    least = np.array(given.min[0], np.float32)
    constant = edit.constant(model, graph, graph.tensors[operator.inputs[2]].name + b"_least", least)
    graph.tensors[constant].quantization = schema.QuantizationParametersT()
    graph.tensors[constant].quantization.min, graph.tensors[constant].quantization.max = given.min, given.max
    operator.inputs = np.array([operator.inputs[0], operator.inputs[1], constant], np.int32)
    padded.min, padded.max = given.min, given.max
