"""Small edits of a flatbuffer's objects that every variant needs."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from exporter.formats.tflite.conversion.file import new_buffer

FLOAT32 = schema.TensorType.FLOAT32


def floats(model: Any, tensor: Any) -> NDArray[np.float32] | None:
    """Values of a float32 constant in its shape; None for other tensors."""
    data = model.buffers[tensor.buffer].data
    if data is None or not len(data) or tensor.type != FLOAT32:
        return None
    shape = () if tensor.shape is None else tuple(tensor.shape)
    return np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32).reshape(shape)


def code_index(model: Any, builtin: int, version: int) -> int:
    """Index of the operator code of this version; it is added where there is none."""
    for index, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin and code.version == version:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = builtin, version
    code.deprecatedBuiltinCode = min(builtin, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def drop_unused_codes(model: Any) -> None:
    """Leave out operator codes that no operator has; TensorFlow's calibrator looks for a kernel of each."""
    operators = [operator for graph in model.subgraphs for operator in graph.operators]
    used = sorted({int(operator.opcodeIndex) for operator in operators})
    places = {number: place for place, number in enumerate(used)}
    for operator in operators:
        operator.opcodeIndex = places[int(operator.opcodeIndex)]
    model.operatorCodes = [model.operatorCodes[number] for number in used]


def float_tensor(graph: Any, like: Any) -> int:
    """Index of a new float32 activation of the shape of the tensor `like`."""
    tensor = schema.TensorT()
    tensor.name = (like.name or b"") + b"_float32"
    tensor.shape, tensor.shapeSignature, tensor.hasRank = like.shape, like.shapeSignature, like.hasRank
    tensor.type, tensor.buffer = FLOAT32, 0
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def constant(model: Any, graph: Any, name: bytes, values: Any) -> int:
    """Index of a new constant of float32, int32, int16 or int8."""
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.hasRank = name, np.array(values.shape, np.int32), True
    tensor.type = getattr(schema.TensorType, values.dtype.name.upper())
    tensor.buffer = append_buffer(model, np.frombuffer(values.tobytes(), np.uint8))
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def bridge(model: Any, kind: int, version: int, given: int, made: int) -> Any:
    """An operator QUANTIZE or DEQUANTIZE between two tensors."""
    operator = schema.OperatorT()
    operator.opcodeIndex = code_index(model, kind, version)
    operator.inputs, operator.outputs = np.array([given], np.int32), np.array([made], np.int32)
    name = "QuantizeOptions" if kind == schema.BuiltinOperator.QUANTIZE else "DequantizeOptions"
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
    operator.builtinOptions = getattr(schema, f"{name}T")()
    return operator


def append_buffer(model: Any, data: Any) -> int:
    """Index of a new buffer."""
    model.buffers.append(new_buffer(np.asarray(data, np.uint8)))
    return len(model.buffers) - 1
