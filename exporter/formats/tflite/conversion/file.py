"""Finishes a TFLite flatbuffer: the model's own names, a signature, metadata.

TensorFlow writes names of its own graph; apps, profilers and people want the model's.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporter.formats.tflite.inspection.structure import IDENTIFIER

ALIGNMENT = 16
SIGNATURE = "serving_default"
WEIGHT_INPUT = {
    schema.BuiltinOperator.CONV_2D: 1,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D: 1,
    schema.BuiltinOperator.FULLY_CONNECTED: 1,
    schema.BuiltinOperator.TRANSPOSE_CONV: 1,
    schema.BuiltinOperator.CONV_3D: 1,
    schema.BuiltinOperator.BATCH_MATMUL: 1,
}
"""Which operand of an operator is its weight (TFLite schema, operator documentation)."""

_ROW = 512
"""Bytes that a tensor or an operator takes, its name and scales of few channels included."""
_WORTH_SHARING = 65536
"""Bytes; equal small constants, such as biases of zeros, stay apart and are listed layer by layer."""


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A buffer that starts at a multiple of 16, as the schema's ``force_align`` demands and Python's packer forgets."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802 - name of the base class
        if self.data is None or len(self.data) == 0:
            return super().Pack(builder)
        content = np.asarray(self.data, np.uint8)
        builder.StartVector(1, len(content), ALIGNMENT)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content.tobytes()
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def weighted_tensors(content: bytes) -> list[str]:
    """Names of the tensors that operators with a weight write, in execution order."""
    model = parse(content)
    graph = model.subgraphs[0]
    return [
        text(graph.tensors[op.outputs[0]].name) for op in graph.operators if operator_code(model, op) in WEIGHT_INPUT
    ]


def float_weights(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """Weights of a float32 model by the name of the tensor that their operator writes, output channels first."""
    model = parse(content)
    graph = model.subgraphs[0]
    weights = {}
    for operator in graph.operators:
        kind = operator_code(model, operator)
        if kind not in WEIGHT_INPUT or len(operator.inputs) <= WEIGHT_INPUT[kind]:
            continue
        tensor = graph.tensors[operator.inputs[WEIGHT_INPUT[kind]]]
        data = model.buffers[tensor.buffer].data
        if data is None or tensor.type != schema.TensorType.FLOAT32:
            continue
        values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32).reshape(tensor.shape)
        weights[text(graph.tensors[operator.outputs[0]].name)] = _channels_first(values, kind)
    return weights


def finish(
    content: bytes,
    inputs: Sequence[str],
    outputs: Sequence[str],
    layers: Mapping[str, str],
    order: Sequence[str],
    metadata: Mapping[str, bytes],
    description: str,
) -> bytes:
    """Rename, sign and describe a model.

    Args:
        content: flatbuffer as TensorFlow's converter gave it, with its inputs and outputs in the model's order.
        inputs: the model's input names.
        outputs: the model's output names.
        layers: name of a tensor that an operator writes -> the layer's name; weight and bias are named after it too.
        order: `weighted_tensors` of the float model; quantization renames some tensors but keeps the operators' order.
        metadata: entries by their names, in place of all that the model has of these names; empty ones are left out.
        description: shown by viewers.
    """
    model = parse(content)
    graph = model.subgraphs[0]
    _name_layers(model, graph, layers, order)
    for indices, names in ((graph.inputs, inputs), (graph.outputs, outputs)):
        for index, name in zip(indices, names, strict=True):
            graph.tensors[index].name = name.encode()
    model.signatureDefs = [_signature(graph, inputs, outputs)]
    model.description = description.encode()
    model.metadata = [item for item in model.metadata or [] if text(item.name) not in metadata]
    for name, data in metadata.items():
        if data:
            entry = schema.MetadataT()
            entry.name, entry.buffer = name.encode(), len(model.buffers)
            model.metadata.append(entry)
            model.buffers.append(new_buffer(np.frombuffer(data, np.uint8)))
    share_constants(model)
    return pack(model)


def parse(content: bytes) -> Any:
    """The model as objects of the schema that can be changed and packed again."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for buffer in model.buffers:
        buffer.__class__ = _AlignedBuffer
    for operator in (operator for graph in model.subgraphs for operator in graph.operators):
        operator.inputs, operator.outputs = (
            np.array([] if places is None else places, np.int32) for places in (operator.inputs, operator.outputs)
        )
    return model


def pack(model: Any) -> bytes:
    """The flatbuffer of a model that `parse` gave."""
    size = sum(0 if buffer.data is None else len(buffer.data) for buffer in model.buffers)
    rows = sum(len(graph.tensors) + len(graph.operators) for graph in model.subgraphs)
    builder = flatbuffers.Builder(size + 65536 + rows * _ROW)  # too small a one is copied to one of twice the size
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(memoryview(builder.Bytes)[builder.Head() :])


def drop_unused_buffers(model: Any) -> None:
    """Leave out buffers that nothing reads; the first stays, which is empty by the schema."""
    readers = [tensor for graph in model.subgraphs for tensor in graph.tensors] + list(model.metadata or [])
    used = sorted({0, *(int(reader.buffer) for reader in readers)})
    places = {number: place for place, number in enumerate(used)}
    for reader in readers:
        reader.buffer = places[int(reader.buffer)]
    model.buffers = [model.buffers[number] for number in used]


def share_constants(model: Any) -> None:
    """Let tensors of one large constant read one buffer, as an embedding and the last layer that has its weight."""
    places: dict[bytes, int] = {}
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        data = model.buffers[tensor.buffer].data
        if data is not None and len(data) >= _WORTH_SHARING:
            tensor.buffer = places.setdefault(sha256(np.asarray(data, np.uint8).tobytes()).digest(), tensor.buffer)
    drop_unused_buffers(model)


def new_buffer(data: np.ndarray[Any, Any]) -> Any:
    """A buffer for a model that `parse` gave.

    Args:
        data: its bytes, uint8.
    """
    buffer = _AlignedBuffer()
    buffer.data = data
    return buffer


def _name_layers(model: Any, graph: Any, layers: Mapping[str, str], order: Sequence[str]) -> None:
    weighted = [operator for operator in graph.operators if operator_code(model, operator) in WEIGHT_INPUT]
    own = [text(graph.tensors[operator.outputs[0]].name) for operator in weighted]
    for operator, name in zip(weighted, order if len(order) == len(own) else own, strict=True):
        kind = operator_code(model, operator)
        layer = layers.get(name)
        if layer is None:
            continue
        graph.tensors[operator.outputs[0]].name = layer.encode()
        for position, part in ((WEIGHT_INPUT[kind], "weight"), (2, "bias")):
            if len(operator.inputs) > position and operator.inputs[position] >= 0:
                graph.tensors[_constant(model, graph, operator.inputs[position])].name = f"{layer}.{part}".encode()


def _constant(model: Any, graph: Any, index: int) -> int:
    """The constant behind an operand: float16 weights are fed through a DEQUANTIZE operator."""
    for operator in graph.operators:
        if index in operator.outputs and operator_code(model, operator) == schema.BuiltinOperator.DEQUANTIZE:
            return int(operator.inputs[0])
    return index


def _signature(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey = SIGNATURE.encode()
    signature.subgraphIndex = 0
    signature.inputs = [_tensor_map(name, index) for name, index in zip(inputs, graph.inputs, strict=True)]
    signature.outputs = [_tensor_map(name, index) for name, index in zip(outputs, graph.outputs, strict=True)]
    return signature


def _tensor_map(name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), int(index)
    return entry


def operator_code(model: Any, operator: Any) -> int:
    """The builtin operator that `operator` is an instance of."""
    code = model.operatorCodes[operator.opcodeIndex]
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


def _channels_first(values: np.ndarray[Any, Any], kind: int) -> np.ndarray[Any, Any]:
    """TFLite's weight layouts (OHWI, 1HWO) to torch's (OIHW, O1HW)."""
    if kind == schema.BuiltinOperator.DEPTHWISE_CONV_2D:
        return values.transpose(3, 0, 1, 2)
    if kind in (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.TRANSPOSE_CONV):
        return values.transpose(0, 3, 1, 2)
    return values


def text(name: Any) -> str:
    """A name in the schema's objects, which are bytes, text or None."""
    return name.decode() if isinstance(name, bytes) else str(name or "")
