"""Tells what is in a .tflite: no TensorFlow, no runtime, nothing but the file."""

import math
from collections.abc import Iterator
from pathlib import Path

from exporter.data.facts.inspection import Inspection, OpFact, TensorFact, WeightFact, WeightKind
from exporter.formats.common.bytes.damage import Damage, mapped
from exporter.formats.common.pictures import Pictures
from exporter.formats.tflite.inspection.file_facts import pictures_in
from exporter.formats.tflite.inspection.flatbuffer import Flatbuffer
from exporter.formats.tflite.inspection.names import AUTHORSHIP, METADATA_NAME
from exporter.formats.tflite.inspection.tables import Graph, Model, Operator, Tensor, read_model
from exporter.formats.tflite.inspection.values import count_values

_WEIGHT_OPS = {
    "CONV_2D": 1,
    "DEPTHWISE_CONV_2D": 1,
    "FULLY_CONNECTED": 1,
    "TRANSPOSE_CONV": 1,
    "CONV_3D": 1,
    "BATCH_MATMUL": 1,
    "EMBEDDING_LOOKUP": 1,
    "GATHER": 0,
    "SVDF": 1,
}
"""Which operand of an operator is its weight."""
_BIAS_OPS = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3, "CONV_3D": 2}


def inspect_tflite(path: Path) -> Inspection:
    """The facts of a TFLite model that is whole, which `exporter.formats.files.check_whole` tells.

    Operators and weights of all subgraphs are counted, inputs and outputs are those of the first.
    """
    content = mapped(path)
    model = read_model(content)
    main = model.graphs[0]
    seen: set[int] = set()
    pictures = pictures_in(model)
    return Inspection(
        path=str(path),
        format="tflite",
        size_bytes=len(content),
        inputs=tuple(_tensor_fact(main.tensors[index], pictures) for index in main.inputs),
        outputs=tuple(_tensor_fact(main.tensors[index], {}) for index in main.outputs),
        ops=tuple(_op_fact(model, graph, index) for graph in model.graphs for index in range(len(graph.operators))),
        weights=tuple(weight for graph in model.graphs for weight in _weights(model, graph, seen)),
        metadata=_metadata(model),
    )


def _metadata(model: Model) -> dict[str, str]:
    facts = {"schema_version": str(model.version)}
    if model.description:
        facts["description"] = model.description
    if model.metadata:
        facts["metadata"] = ", ".join(model.metadata)
    return facts | _about(model)


def _about(model: Model) -> dict[str, str]:
    """Who made the model and under what license, as TFLite's model metadata says (``metadata_schema.fbs``)."""
    buffer = model.metadata.get(METADATA_NAME)
    if buffer is None:
        return {}
    reader = Flatbuffer(model.buffers[buffer], {})
    try:
        root = reader.root()
        return {name: text for name, slot in AUTHORSHIP.items() if (text := reader.text(root, slot))}
    except Damage:  # another program's metadata is no reason to refuse its model
        return {}


def _tensor_fact(tensor: Tensor, pictures: Pictures) -> TensorFact:
    picture = pictures.get(tensor.name)
    return TensorFact(name=tensor.name, dtype=tensor.dtype, shape=tensor.signature, picture=picture)


def _stored(model: Model, tensor: Tensor) -> bool:
    return model.buffers[tensor.buffer].nbytes > 0


def _op_fact(model: Model, graph: Graph, index: int) -> OpFact:
    operator = graph.operators[index]
    tensors = [graph.tensors[number] for number in operator.inputs if number >= 0]
    outputs = [graph.tensors[number] for number in operator.outputs]
    moving = [tensor for tensor in tensors if not _stored(model, tensor)] or tensors or outputs
    name = outputs[0].name if outputs else f"operator {index}"
    # DEQUANTIZE of a stored float16 weight, and of an activation, both compute what they give.
    source = outputs[0] if operator.type == "DEQUANTIZE" and outputs else next(iter(moving), None)
    return OpFact(name=name, type=operator.type, dtype="none" if source is None else source.dtype)


def _weights(model: Model, graph: Graph, seen: set[int]) -> Iterator[WeightFact]:
    """Constants that are not in `seen`, which holds buffers: tensors of one buffer are one constant."""
    behind = dict(_dequantized(model, graph))
    for operator in graph.operators:
        if operator.type == "DEQUANTIZE" and operator.outputs and operator.outputs[0] in behind:
            continue
        for position, number in enumerate(operator.inputs):
            tensor = graph.tensors[behind.get(number, number)] if number >= 0 else None
            if tensor is None or tensor.buffer in seen or not _stored(model, tensor):
                continue
            seen.add(tensor.buffer)
            layer = graph.tensors[operator.outputs[0]].name if operator.outputs else ""
            yield _weight(model, tensor, layer, operator, position)


def _dequantized(model: Model, graph: Graph) -> Iterator[tuple[int, int]]:
    """Outputs of DEQUANTIZE operators that only widen a stored constant, and that constant."""
    for operator in graph.operators:
        if operator.type == "DEQUANTIZE" and operator.outputs and operator.inputs:
            source = operator.inputs[0]
            if _stored(model, graph.tensors[source]):
                yield operator.outputs[0], source


def _weight(model: Model, tensor: Tensor, layer: str, operator: Operator, position: int) -> WeightFact:
    data, parameters = model.buffers[tensor.buffer], math.prod(tensor.shape)
    sparse = tensor.index_bytes is not None
    counts = count_values(data, tensor.dtype, tensor.shape, tensor.quantization, sparse=sparse)
    scales, zero_points, _ = tensor.quantization
    size = data.nbytes + 4 * len(scales) + 8 * len(zero_points) + (tensor.index_bytes or 0)
    return WeightFact(
        name=tensor.name,
        layer=tensor.name.rpartition(".")[0] if tensor.name.endswith((".weight", ".bias")) else layer,
        kind=_weight_kind(operator.type, position),
        op_type=operator.type,
        dtype=tensor.dtype,
        shape=tensor.shape,
        parameters=parameters,
        size_bytes=size,
        nonzeros=counts.nonzeros,
        distinct=counts.distinct,
        quantization=_quantization_words(tensor),
        bits_per_weight=8 * size / parameters if parameters else 0.0,
    )


def _quantization_words(tensor: Tensor) -> str:
    sparse = "sparse " if tensor.index_bytes is not None else ""
    if tensor.dtype in ("float32", "float16", "float64", "bfloat16"):
        return (sparse + ("none" if tensor.dtype == "float32" else tensor.dtype)).removesuffix(" none")
    scales = len(tensor.quantization.scales)
    if scales == 0:
        return f"{sparse}none"
    return f"{sparse}linear {'per_channel' if scales > 1 else 'per_tensor'}"


def _weight_kind(op_type: str, position: int) -> WeightKind:
    if _WEIGHT_OPS.get(op_type) == position:
        return "weight"
    return "bias" if _BIAS_OPS.get(op_type) == position else "constant"
