"""Reads a .tflite with the published schema alone: no TensorFlow, no runtime."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# By its modules: ai-edge-litert 2.1.2 lays an empty package of the same name over this one.
from tflite.BuiltinOperator import BuiltinOperator
from tflite.Int32Vector import Int32Vector
from tflite.Model import Model
from tflite.TensorType import TensorType
from tflite.Uint8Vector import Uint8Vector
from tflite.Uint16Vector import Uint16Vector

from exporter.data.facts.inspection import Inspection, OpFact, TensorFact, WeightFact, WeightKind
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
_INDEX_VECTORS = {1: (Int32Vector, 4), 2: (Uint16Vector, 2), 3: (Uint8Vector, 1)}
_BIAS_OPS = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3, "CONV_3D": 2}


def inspect_tflite(path: Path) -> Inspection:
    """The facts of a TFLite model that is whole, which `exporter.formats.files.check_whole` tells."""
    return _Reader(path, np.memmap(path, np.uint8, "r")).inspection()


class _Reader:
    """Walks the first subgraph; the others (control flow) are counted with it."""

    def __init__(self, path: Path, content: NDArray[np.uint8]) -> None:
        self.path = path
        self.content = content
        self.model = Model.GetRootAsModel(content, 0)

    def inspection(self) -> Inspection:
        main = self.model.Subgraphs(0)
        ops: list[OpFact] = []
        weights: list[WeightFact] = []
        seen: set[int] = set()
        for index in range(self.model.SubgraphsLength()):
            graph = self.model.Subgraphs(index)
            ops += self._ops(graph)
            weights += self._weights(graph, seen)
        return Inspection(
            path=str(self.path),
            format="tflite",
            size_bytes=len(self.content),
            inputs=tuple(self._tensor_fact(main.Tensors(main.Inputs(index))) for index in range(main.InputsLength())),
            outputs=tuple(self._tensor_fact(main.Tensors(main.Outputs(i))) for i in range(main.OutputsLength())),
            ops=tuple(ops),
            weights=tuple(weights),
            metadata=self._metadata(),
        )

    def _metadata(self) -> dict[str, str]:
        facts = {"schema_version": str(self.model.Version())}
        if self.model.Description():
            facts["description"] = _text(self.model.Description())
        names = [_text(self.model.Metadata(index).Name()) for index in range(self.model.MetadataLength())]
        if names:
            facts["metadata"] = ", ".join(names)
        return facts

    def _tensor_fact(self, tensor: Any) -> TensorFact:
        shape = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else tensor.ShapeAsNumpy()
        return TensorFact(name=_name(tensor), dtype=_dtype(tensor), shape=_shape(shape))

    def _op_type(self, operator: Any) -> str:
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        if code.CustomCode():
            return _text(code.CustomCode())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return _operator_names().get(number, f"BUILTIN_{number}")

    def _ops(self, graph: Any) -> Iterator[OpFact]:
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            tensors = [
                graph.Tensors(operator.Inputs(i)) for i in range(operator.InputsLength()) if operator.Inputs(i) >= 0
            ]
            outputs = [graph.Tensors(operator.Outputs(i)) for i in range(operator.OutputsLength())]
            moving = [tensor for tensor in tensors if not self._stored(tensor)] or tensors or outputs
            name = _name(outputs[0]) if outputs else f"operator {index}"
            kind = self._op_type(operator)
            # DEQUANTIZE of a stored float16 weight, and of an activation, both compute what they give.
            source = outputs[0] if kind == "DEQUANTIZE" and outputs else next(iter(moving), None)
            yield OpFact(name=name, type=kind, dtype="none" if source is None else _dtype(source))

    def _weights(self, graph: Any, seen: set[int]) -> Iterator[WeightFact]:
        """Constants that are not in `seen`, which holds buffers: tensors of one buffer are one constant."""
        behind = self._dequantized(graph)
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            kind = self._op_type(operator)
            if kind == "DEQUANTIZE" and operator.OutputsLength() and int(operator.Outputs(0)) in behind:
                continue
            for position in range(operator.InputsLength()):
                number = behind.get(int(operator.Inputs(position)), int(operator.Inputs(position)))
                tensor = graph.Tensors(number) if number >= 0 else None
                if tensor is None or tensor.Buffer() in seen or not self._stored(tensor):
                    continue
                seen.add(tensor.Buffer())
                layer = _name(graph.Tensors(operator.Outputs(0))) if operator.OutputsLength() else ""
                yield self._weight(tensor, layer, kind, position)

    def _dequantized(self, graph: Any) -> dict[int, int]:
        """Outputs of DEQUANTIZE operators that only widen a stored constant -> that constant."""
        found = {}
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            whole = operator.OutputsLength() and operator.InputsLength()
            if whole and self._op_type(operator) == "DEQUANTIZE" and self._stored(graph.Tensors(operator.Inputs(0))):
                found[int(operator.Outputs(0))] = int(operator.Inputs(0))
        return found

    def _stored(self, tensor: Any) -> bool:
        buffer = self.model.Buffers(tensor.Buffer())
        return bool(buffer.DataLength() or buffer.Size() > 1)

    def _data(self, tensor: Any) -> NDArray[np.uint8]:
        buffer = self.model.Buffers(tensor.Buffer())
        if buffer.DataLength():
            return np.asarray(buffer.DataAsNumpy())
        return np.asarray(self.content[buffer.Offset() : buffer.Offset() + buffer.Size()])

    def _weight(self, tensor: Any, layer: str, op_type: str, position: int) -> WeightFact:
        data = self._data(tensor)
        shape = _shape(tensor.ShapeAsNumpy())
        parameters = int(np.prod(shape, dtype=np.int64))
        dtype = _dtype(tensor)
        counts = count_values(data, dtype, shape, self._zero_points(tensor), sparse=tensor.Sparsity() is not None)
        name = _name(tensor)
        quantization = self._quantization(tensor, dtype)
        size = len(data) + self._scale_bytes(tensor) + self._sparsity_bytes(tensor)
        return WeightFact(
            name=name,
            layer=name.rpartition(".")[0] if name.endswith((".weight", ".bias")) else layer,
            kind=_weight_kind(op_type, position),
            op_type=op_type,
            dtype=dtype,
            shape=shape,
            parameters=parameters,
            size_bytes=size,
            nonzeros=counts.nonzeros,
            distinct=counts.distinct,
            quantization=quantization,
            bits_per_weight=8 * size / parameters if parameters else 0.0,
        )

    def _scale_bytes(self, tensor: Any) -> int:
        quantization = tensor.Quantization()
        return 4 * quantization.ScaleLength() + 8 * quantization.ZeroPointLength() if quantization else 0

    def _sparsity_bytes(self, tensor: Any) -> int:
        """Bytes of the indices of a sparse tensor."""
        sparsity = tensor.Sparsity()
        if sparsity is None:
            return 0
        dimensions = [sparsity.DimMetadata(index) for index in range(sparsity.DimMetadataLength())]
        indices = [
            _index_bytes(one.ArraySegments(), one.ArraySegmentsType())
            + _index_bytes(one.ArrayIndices(), one.ArrayIndicesType())
            for one in dimensions
        ]
        return 4 * int(sparsity.TraversalOrderLength() + sparsity.BlockMapLength()) + sum(indices)

    def _zero_points(self, tensor: Any) -> NDArray[np.int64] | None:
        """The integers that stand for zero, as they broadcast over the tensor; None without quantization."""
        quantization = tensor.Quantization()
        if quantization is None or not quantization.ScaleLength() or not quantization.ZeroPointLength():
            return None
        zeros = np.asarray(quantization.ZeroPointAsNumpy(), np.int64)
        if zeros.size == 1:
            return zeros.reshape(())
        axis, shape = quantization.QuantizedDimension(), _shape(tensor.ShapeAsNumpy())
        if not 0 <= axis < len(shape) or shape[axis] != zeros.size:
            return None
        return zeros.reshape([-1 if place == axis else 1 for place in range(len(shape))])

    def _quantization(self, tensor: Any, dtype: str) -> str:
        sparse = "sparse " if tensor.Sparsity() else ""
        if dtype in ("float32", "float16", "float64", "bfloat16"):
            return (sparse + ("none" if dtype == "float32" else dtype)).removesuffix(" none")
        scales = tensor.Quantization().ScaleLength() if tensor.Quantization() else 0
        if scales == 0:
            return f"{sparse}none"
        return f"{sparse}linear {'per_channel' if scales > 1 else 'per_tensor'}"


def _weight_kind(op_type: str, position: int) -> WeightKind:
    if _WEIGHT_OPS.get(op_type) == position:
        return "weight"
    return "bias" if _BIAS_OPS.get(op_type) == position else "constant"


def _index_bytes(vector: Any, kind: int) -> int:
    """Bytes of a union of index vectors (SparseIndexVector: int32, uint16, uint8)."""
    if vector is None or kind not in _INDEX_VECTORS:
        return 0
    form, size = _INDEX_VECTORS[kind]
    typed = form()
    typed.Init(vector.Bytes, vector.Pos)
    return int(size * typed.ValuesLength())


def _name(tensor: Any) -> str:
    return _text(tensor.Name() or b"")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in shape) if not isinstance(shape, int) else ()


def _dtype(tensor: Any) -> str:
    return _type_names().get(tensor.Type(), f"type {tensor.Type()}")


@cache
def _type_names() -> dict[int, str]:
    return {value: name.lower() for name, value in vars(TensorType).items() if name.isupper()}


@cache
def _operator_names() -> dict[int, str]:
    return {value: name for name, value in vars(BuiltinOperator).items() if name.isupper()}
