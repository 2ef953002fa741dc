"""Reads an ONNX model."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from exporter.data.errors import UsageProblem, first_line
from exporter.data.facts.inspection import Inspection, OpFact, TensorFact, WeightFact, WeightKind
from exporter.execution.heavy import load
from exporter.formats.common.bytes.values import distinct, nonzeros
from exporter.formats.common.pictures import read
from exporter.formats.onnx.inspection.structure import external_files
from exporter.formats.onnx.inspection.values import onnx_bytes, onnx_values, stored_dtype, zero_points
from exporter.formats.onnx.keys import AUTHORSHIP, IMAGES

_INTEGER_ZEROS = {"ConvInteger": 3, "MatMulInteger": 3}
"""Which input of an operator on integers holds the zero points of its weight."""
_WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", *_INTEGER_ZEROS}


def inspect_onnx(path: Path) -> Inspection:
    """The facts of an ONNX model.

    Raises:
        UsageProblem: not ONNX, or damaged.
    """
    onnx = load("onnx")
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:
        raise UsageProblem(f"{path} is not a readable ONNX file: {first_line(error)}") from error
    graph = model.graph
    types = _value_types(onnx, model)
    pictures = read({entry.key: entry.value for entry in model.metadata_props}.get(IMAGES, ""))
    weights = list(_weights(onnx, graph, {}))
    return Inspection(
        path=str(path),
        format="onnx",
        size_bytes=sum(item.stat().st_size for item in (path, *external_files(path))),
        inputs=tuple(
            _tensor(onnx, value).model_copy(update={"picture": pictures.get(value.name)})
            for value in graph.input
            if value.name not in {i.name for i in graph.initializer}
        ),
        outputs=tuple(_tensor(onnx, value) for value in graph.output),
        ops=tuple(
            OpFact(name=node.name or node.output[0], type=node.op_type, dtype=types.get(node.output[0], "?"))
            for node in graph.node
        ),
        weights=tuple(weights),
        metadata=_metadata(model),
    )


def _metadata(model: Any) -> dict[str, str]:
    said = {entry.key: entry.value for entry in model.metadata_props if entry.key in AUTHORSHIP and entry.value}
    return {"opset": str(max(item.version for item in model.opset_import)), "producer": model.producer_name, **said}


def _weights(onnx: Any, graph: Any, outer: dict[str, Any]) -> Iterator[WeightFact]:
    """Constants of a graph and of the graphs inside its nodes, each at its first use."""
    stored = {item.name: item for item in graph.initializer}
    stored |= {item.values.name: item for item in graph.sparse_initializer}
    stored |= {node.output[0]: _constant(node) for node in graph.node if node.op_type == "Constant" and _constant(node)}
    known, used = outer | stored, set()
    readers = {
        node.output[0]: reader
        for node in graph.node
        if node.op_type == "DequantizeLinear" and (reader := _reader(graph, node.output[0])) is not None
    }
    for node in graph.node:
        for inner in (attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH):
            yield from _weights(onnx, inner, known)
        for position, name in enumerate(node.input):
            tensor = known.get(name)
            if tensor is None or name in used or (node.op_type == "DequantizeLinear" and position > 0):
                continue
            used.add(name)
            yield _weight(onnx, tensor, name, node, readers.get(node.output[0], (node, position)), known)
            if name not in stored:
                outer.pop(name)


def _constant(node: Any) -> Any:
    """The tensor of a Constant node; None for a number or a string, which is written in the node."""
    for attribute in node.attribute:
        if attribute.name == "value":
            return attribute.t
        if attribute.name == "sparse_value":
            return attribute.sparse_tensor
    return None


def _reader(graph: Any, name: str) -> tuple[Any, int] | None:
    """The first node that reads a value, and the place at which it does."""
    places = ((node, place) for node in graph.node for place, read in enumerate(node.input) if read == name)
    return next(places, None)


def _weight(onnx: Any, tensor: Any, name: str, node: Any, reader: tuple[Any, int], known: dict[str, Any]) -> WeightFact:
    """Args: reader: the node that computes with it, which stands behind the `node` that widens it, and the place."""
    values = onnx_values(onnx, tensor)
    size = onnx_bytes(onnx, tensor)
    zero: Any = 0
    user, position = reader
    scales = 0
    if node.op_type == "DequantizeLinear":
        parameters = [known[item] for item in node.input[1:] if item in known]
        scales = math.prod(parameters[0].dims) if parameters else 1
        size += sum(onnx_bytes(onnx, item) for item in parameters)
        zero = zero_points(onnx, values, parameters[1], node) if len(parameters) > 1 else 0
    elif node.op_type in _INTEGER_ZEROS and position == 1:
        scales = 1
        place = _INTEGER_ZEROS[node.op_type]
        stored = known.get(node.input[place]) if len(node.input) > place else None
        zero = 0 if stored is None else _along_channels(onnx_values(onnx, stored), values, node.op_type)
    text = values.dtype.kind in "OSU"
    dtype = "string" if text else stored_dtype(onnx, tensor)
    return WeightFact(
        name=name,
        layer=user.name or user.output[0],
        kind=_kind(user.op_type, position),
        op_type=user.op_type,
        dtype=dtype,
        shape=tuple(values.shape),
        parameters=int(values.size),
        size_bytes=size,
        nonzeros=None if text else nonzeros(values != zero),
        distinct=len(set(values.reshape(-1).tolist())) if text else distinct(values),
        quantization=_form(tensor, dtype, scales),
        bits_per_weight=8 * size / values.size if values.size else 0.0,
    )


def _along_channels(zeros: NDArray[Any], values: NDArray[Any], op_type: str) -> NDArray[Any]:
    """Zero points as they broadcast: of convolutions along the first axis, of products along the last."""
    if zeros.size == 1:
        return zeros.reshape(())
    return zeros.reshape(-1, *[1] * (values.ndim - 1)) if op_type == "ConvInteger" else zeros.reshape(-1)


def _form(tensor: Any, dtype: str, scales: int) -> str:
    if scales:
        return "linear per_channel" if scales > 1 else "linear"
    return "sparse" if hasattr(tensor, "indices") else "float16" if dtype == "float16" else "none"


def _kind(op_type: str, position: int) -> WeightKind:
    if position == 1 and op_type in _WEIGHTED:
        return "weight"
    return "bias" if position == 2 and op_type in ("Conv", "ConvTranspose", "Gemm") else "constant"


def _value_types(onnx: Any, model: Any) -> dict[str, str]:
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = [*inferred.value_info, *inferred.output]
    return {value.name: _dtype(onnx, value.type.tensor_type.elem_type) for value in values}


def _dtype(onnx: Any, element: int) -> str:
    name = str(onnx.TensorProto.DataType.Name(element)).lower()
    return {"float": "float32", "double": "float64"}.get(name, name)


def _tensor(onnx: Any, value: Any) -> TensorFact:
    kind = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim)
    return TensorFact(name=value.name, dtype=_dtype(onnx, kind.elem_type), shape=shape)
