"""Products by a constant matrix as FULLY_CONNECTED, as TensorFlow's converter writes them.

onnx2tf's direct builder writes BATCH_MATMUL, whose integer weights have one scale for all channels and never 4 bits.
"""

from collections import Counter
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from exporter.formats.tflite.conversion.file import operator_code, pack, parse
from exporter.formats.tflite.quantization import edit

_VERSION = 6
"""Of FULLY_CONNECTED without a bias (LiteRT, tflite/tools/versioning/op_version.cc)."""


def with_fully_connected(content: bytes) -> bytes:
    """A float32 file whose products by a constant matrix are FULLY_CONNECTED; the given one where it has none."""
    model, changed = parse(content), 0
    for graph in model.subgraphs:
        readers = Counter(int(index) for operator in graph.operators for index in operator.inputs)
        for operator in graph.operators:
            matrix = _matrix(model, graph, operator)
            if matrix is not None:
                _replace(model, graph, operator, matrix, alone=readers[int(operator.inputs[1])] == 1)
                changed += 1
    edit.drop_unused_buffers(model)
    edit.drop_unused_codes(model)
    return pack(model) if changed else content


def _matrix(model: Any, graph: Any, operator: Any) -> NDArray[np.float32] | None:
    """The constant that a product multiplies by, output channels first; None for other operators."""
    if operator_code(model, operator) != schema.BuiltinOperator.BATCH_MATMUL or operator.builtinOptions.adjX:
        return None
    given, weight = (graph.tensors[int(index)] for index in operator.inputs)
    data, shape = model.buffers[weight.buffer].data, tuple(weight.shape)
    stored = data is not None and len(data) > 0 and weight.type == edit.FLOAT32
    if not stored or set(shape[:-2]) - {1} or len(given.shape) < max(2, len(shape)):
        return None
    values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32).reshape(shape[-2:])
    return np.ascontiguousarray(values if operator.builtinOptions.adjY else values.T)


def _replace(model: Any, graph: Any, operator: Any, matrix: NDArray[np.float32], *, alone: bool) -> None:
    number = int(operator.inputs[1])
    if not alone:
        number = edit.float_tensor(graph, graph.tensors[number])
    tensor = graph.tensors[number]
    tensor.shape, tensor.shapeSignature = np.array(matrix.shape, np.int32), None
    tensor.buffer = edit.append_buffer(model, matrix.reshape(-1).view(np.uint8))
    operator.inputs = np.array([operator.inputs[0], number, -1], np.int32)
    operator.opcodeIndex = edit.code_index(model, schema.BuiltinOperator.FULLY_CONNECTED, _VERSION)
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    operator.builtinOptions.keepNumDims = True
