"""Normalization before an ONNX model: its input takes pixels."""

from typing import Any

import numpy as np
from onnx import TensorProto

from exporter.data.facts.source import InputSpec
from exporter.formats.common.preprocessing import SCOPE, scale_and_shift, turned
from exporter.formats.onnx.conversion.writer import NodeWriter
from exporter.formats.onnx.nodes import copy_of


def taking_pixels(model: Any, spec: InputSpec) -> Any:
    """A copy of `model` whose one input takes bytes, RGB from 0 to 255, NCHW, and becomes what it was in float32.

    Args:
        model: whatever it computes in, it takes normalized floats.
        spec: of its input.
    """
    assert spec.image is not None
    copied = copy_of(model)
    graph, own = copied.graph, [copy_of(node) for node in copied.graph.node]
    del graph.node[:]
    write = NodeWriter(copied, SCOPE.rstrip("/"))
    scale, shift = (np.array(values, np.float32).reshape(1, -1, 1, 1) for values in scale_and_shift(spec.image))
    value = write.node("Cast", spec.name, to=TensorProto.FLOAT)
    if turned(spec.image):
        value = write.node("Gather", value, np.array([2, 1, 0], np.int64), axis=1)
    value = write.node("Add", write.node("Mul", value, scale), shift)
    for node in own:
        _reads_instead(node, spec.name, value)
    graph.node.extend(own)
    (given,) = (item for item in graph.input if item.name == spec.name)
    given.type.tensor_type.elem_type = TensorProto.UINT8
    return copied


def _reads_instead(node: Any, name: str, other: str) -> None:
    """Give `node`, and the graphs inside it, one value for another."""
    for place, read in enumerate(node.input):
        node.input[place] = other if read == name else read
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            for inner in graph.node:
                _reads_instead(inner, name, other)
