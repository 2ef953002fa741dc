"""One flatbuffer behind another."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporter.formats.tflite.conversion.file import text
from exporter.formats.tflite.quantization.edit import FLOAT32, bridge, float_tensor


def join(model: Any, tail: Any, wires: Sequence[str]) -> None:
    """Make `model` give what `tail` makes of its outputs, in place.

    Args:
        model: objects of the schema, with a signature; outputs that are integers are dequantized.
        tail: objects of the schema: one subgraph that takes float32.
        wires: names of outputs of `model`, one for each input of `tail`.
    """
    graph, added = model.subgraphs[0], tail.subgraphs[0]
    outputs = {text(item.name): int(item.tensorIndex) for item in model.signatureDefs[0].outputs}
    places = {
        int(given): _as_float(model, graph, outputs[wire]) for given, wire in zip(added.inputs, wires, strict=True)
    }
    buffers, codes = len(model.buffers), len(model.operatorCodes)
    model.buffers += tail.buffers
    model.operatorCodes += tail.operatorCodes
    for number, tensor in enumerate(added.tensors):
        if number not in places:
            places[number] = len(graph.tensors)
            graph.tensors.append(_moved(tensor, buffers))
    for operator in added.operators:
        operator.opcodeIndex += codes
        operator.inputs, operator.outputs = _at(places, operator.inputs), _at(places, operator.outputs)
        graph.operators.append(operator)
    graph.outputs = _at(places, added.outputs)


def as_floats(model: Any) -> None:
    """Dequantize outputs that are integers, in place."""
    graph = model.subgraphs[0]
    graph.outputs = np.array([_as_float(model, graph, int(index)) for index in graph.outputs], np.int32)


def _as_float(model: Any, graph: Any, index: int) -> int:
    tensor = graph.tensors[index]
    if tensor.type == FLOAT32:
        return index
    made = float_tensor(graph, tensor)
    graph.operators.append(bridge(model, schema.BuiltinOperator.DEQUANTIZE, 2, index, made))
    return made


def _moved(tensor: Any, buffers: int) -> Any:
    moved = copy.copy(tensor)
    moved.name = b"decoding/" + (tensor.name or b"")
    moved.buffer = tensor.buffer + buffers if tensor.buffer else 0
    return moved


def _at(places: dict[int, int], numbers: Sequence[int]) -> Any:
    """Indices in the new graph; -1 is an operand that is left out."""
    return np.array([places[int(number)] if number >= 0 else -1 for number in numbers], np.int32)
