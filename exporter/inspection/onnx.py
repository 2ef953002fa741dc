"""Reads an ONNX model."""

from pathlib import Path
from typing import Any

from exporter.errors import UsageProblem, first_line
from exporter.heavy import load
from exporter.inspection.facts import Inspection, OpFact, TensorFact, WeightFact, WeightKind
from exporter.inspection.values import distinct, nonzeros


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
    stored = {item.name: item for item in graph.initializer}
    types = _value_types(onnx, model)
    weights = []
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in stored and node.op_type != "DequantizeLinear":
                weights.append(_weight(onnx, stored.pop(name), node, position, "none"))
            elif node.op_type == "DequantizeLinear" and position == 0 and name in stored:
                weights.append(_weight(onnx, stored.pop(name), node, 1, "linear"))
    return Inspection(
        path=str(path),
        format="onnx",
        size_bytes=path.stat().st_size,
        inputs=tuple(
            _tensor(onnx, value) for value in graph.input if value.name not in {i.name for i in graph.initializer}
        ),
        outputs=tuple(_tensor(onnx, value) for value in graph.output),
        ops=tuple(
            OpFact(name=node.name or node.output[0], type=node.op_type, dtype=types.get(node.output[0], "?"))
            for node in graph.node
        ),
        weights=tuple(weights),
        metadata={"opset": str(max(item.version for item in model.opset_import)), "producer": model.producer_name},
    )


def _weight(onnx: Any, tensor: Any, node: Any, position: int, quantization: str) -> WeightFact:
    values = onnx.numpy_helper.to_array(tensor)
    size = int(values.nbytes)
    return WeightFact(
        name=tensor.name,
        layer=node.name or node.output[0],
        kind=_kind(node.op_type, position),
        op_type=node.op_type,
        dtype=str(values.dtype),
        shape=tuple(values.shape),
        parameters=int(values.size),
        size_bytes=size,
        nonzeros=nonzeros(values),
        distinct=distinct(values),
        quantization=quantization,
        bits_per_weight=8 * size / values.size if values.size else 0.0,
    )


def _kind(op_type: str, position: int) -> WeightKind:
    if position == 1 and op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul", "DequantizeLinear", "LSTM", "GRU"):
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
