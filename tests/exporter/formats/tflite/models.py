"""TFLite files written constant by constant, so that what an inspection must count is known beforehand."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = schema.TensorType


class Constant(NamedTuple):
    """A stored tensor: its bytes as they lie in the file."""

    name: str
    type: int
    shape: tuple[int, ...]
    data: bytes
    zero_points: tuple[int, ...] = ()
    buffer: int | None = None
    """Another constant's place, to share its bytes."""


def model(constants: Sequence[Constant], *, trailing: bytes = b"") -> bytes:
    """A model of one custom operator that reads every constant."""
    graph, whole = schema.SubGraphT(), schema.ModelT()
    whole.version, whole.description = 3, b"counted"
    whole.buffers = [schema.BufferT()]
    graph.tensors, operator, code = [], schema.OperatorT(), schema.OperatorCodeT()
    for constant in constants:
        tensor = _tensor(constant)
        if constant.buffer is None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(constant.data, np.uint8)
            whole.buffers.append(buffer)
            tensor.buffer = len(whole.buffers) - 1
        else:
            tensor.buffer = 1 + constant.buffer
        graph.tensors.append(tensor)
    for name in ("input", "output"):
        graph.tensors.append(_tensor(Constant(name, TYPES.FLOAT32, (1, 4), b"")))
    operator.inputs = [len(constants), *range(len(constants))]
    operator.outputs, graph.inputs, graph.outputs = [len(constants) + 1], [len(constants)], [len(constants) + 1]
    code.builtinCode, code.deprecatedBuiltinCode, code.customCode = schema.BuiltinOperator.CUSTOM, 32, b"Counted"
    graph.operators, whole.operatorCodes, whole.subgraphs = [operator], [code], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output()) + trailing


def _tensor(constant: Constant) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape = constant.name.encode(), constant.type, list(constant.shape)
    tensor.buffer = 0
    if constant.zero_points:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = [0.5] * len(constant.zero_points)
        tensor.quantization.zeroPoint = list(constant.zero_points)
    return tensor


def strings(*texts: bytes) -> bytes:
    """A string tensor's buffer: the count, where each starts, where the last ends, the characters."""
    starts = np.cumsum([4 * (len(texts) + 2), *map(len, texts)])
    return np.array([len(texts), *starts], np.int32).tobytes() + b"".join(texts)
