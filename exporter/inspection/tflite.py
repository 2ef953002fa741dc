"""Reads a .tflite with the published schema alone: no TensorFlow, no runtime."""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from exporter.errors import UsageProblem
from exporter.inspection.facts import Inspection, OpFact, TensorFact, WeightFact, WeightKind
from exporter.inspection.values import distinct, nonzeros, unpack_int4

_WEIGHT_OPS = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "TRANSPOSE_CONV": 1, "CONV_3D": 1,
               "BATCH_MATMUL": 1, "EMBEDDING_LOOKUP": 1, "GATHER": 0, "SVDF": 1}  # fmt: skip
"""Which operand of an operator is its weight."""
_BIAS_OPS = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3, "CONV_3D": 2}


def inspect_tflite(path: Path) -> Inspection:
    """The facts of a TFLite model.

    Raises:
        UsageProblem: not a TFLite file, or damaged.
    """
    try:
        content = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{path} cannot be read: {error}.") from error
    if len(content) < 8 or bytes(content[4:8]) != b"TFL3":
        raise UsageProblem(f"{path} is not a TFLite model: the identifier TFL3 is missing.")
    try:
        return _Reader(path, content).inspection()
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, KeyError, UnicodeDecodeError,
            OverflowError, MemoryError) as error:  # fmt: skip
        raise UsageProblem(f"{path} is damaged: {error}.") from error


class _Reader:
    """Walks the first subgraph; the others (control flow) are counted with it."""

    def __init__(self, path: Path, content: NDArray[np.uint8]) -> None:
        self.path = path
        self.content = content
        self.model = tflite.Model.GetRootAsModel(content, 0)
        if self.model.SubgraphsLength() == 0:
            raise ValueError("it has no subgraph")

    def inspection(self) -> Inspection:
        main = self.model.Subgraphs(0)
        ops: list[OpFact] = []
        weights: list[WeightFact] = []
        for index in range(self.model.SubgraphsLength()):
            graph = self.model.Subgraphs(index)
            ops += self._ops(graph)
            weights += self._weights(graph)
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
            facts["description"] = self.model.Description().decode()
        names = [self.model.Metadata(index).Name().decode() for index in range(self.model.MetadataLength())]
        if names:
            facts["metadata"] = ", ".join(names)
        return facts

    def _tensor_fact(self, tensor: Any) -> TensorFact:
        shape = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else tensor.ShapeAsNumpy()
        return TensorFact(name=_name(tensor), dtype=_dtype(tensor), shape=_shape(shape))

    def _op_type(self, operator: Any) -> str:
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        if code.CustomCode():
            return str(code.CustomCode().decode())
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
            source = outputs[0] if kind == "DEQUANTIZE" and outputs else moving[0]
            yield OpFact(name=name, type=kind, dtype=_dtype(source))

    def _weights(self, graph: Any) -> Iterator[WeightFact]:
        seen: set[int] = set()
        behind = self._dequantized(graph)
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            kind = self._op_type(operator)
            if kind == "DEQUANTIZE" and int(operator.Outputs(0)) in behind:
                continue
            for position in range(operator.InputsLength()):
                number = behind.get(int(operator.Inputs(position)), int(operator.Inputs(position)))
                if number < 0 or number in seen or not self._stored(graph.Tensors(number)):
                    continue
                seen.add(number)
                layer = _name(graph.Tensors(operator.Outputs(0)))
                yield self._weight(graph.Tensors(number), layer, kind, position)

    def _dequantized(self, graph: Any) -> dict[int, int]:
        """Outputs of DEQUANTIZE operators that only widen a stored constant -> that constant."""
        found = {}
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            if self._op_type(operator) == "DEQUANTIZE" and self._stored(graph.Tensors(operator.Inputs(0))):
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
        values = _values(data, dtype, parameters)
        name = _name(tensor)
        quantization = self._quantization(tensor, dtype)
        size = len(data) + self._scale_bytes(tensor)
        return WeightFact(
            name=name,
            layer=name.rpartition(".")[0] if name.endswith((".weight", ".bias")) else layer,
            kind=_weight_kind(op_type, position),
            op_type=op_type,
            dtype=dtype,
            shape=shape,
            parameters=parameters,
            size_bytes=size,
            nonzeros=None if values is None else nonzeros(self._centred(values, tensor)),
            distinct=None if values is None else distinct(values),
            quantization=quantization,
            bits_per_weight=8 * size / parameters if parameters else 0.0,
        )

    def _centred(self, values: Any, tensor: Any) -> Any:
        """Values that are zero where the tensor is; masks have no zero point."""
        return values if values.dtype == bool else values - values.dtype.type(self._zero_point(tensor))

    def _scale_bytes(self, tensor: Any) -> int:
        quantization = tensor.Quantization()
        return 4 * quantization.ScaleLength() + 8 * quantization.ZeroPointLength() if quantization else 0

    def _zero_point(self, tensor: Any) -> int:
        """The integer that stands for zero; per-channel weights are symmetric by the quantization specification."""
        quantization = tensor.Quantization()
        return int(quantization.ZeroPoint(0)) if quantization and quantization.ZeroPointLength() == 1 else 0

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


def _values(data: NDArray[np.uint8], dtype: str, parameters: int) -> NDArray[Any] | None:
    """The elements of a buffer; None for types that numpy does not have and for sparse storage."""
    if dtype == "int4":
        return unpack_int4(data, parameters)
    try:
        kind = np.dtype(dtype)
    except TypeError:
        return None
    if len(data) != parameters * kind.itemsize:
        return None
    return np.frombuffer(data, kind)


def _name(tensor: Any) -> str:
    return tensor.Name().decode() if tensor.Name() else ""


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in shape) if not isinstance(shape, int) else ()


def _dtype(tensor: Any) -> str:
    return _type_names().get(tensor.Type(), f"type {tensor.Type()}")


@cache
def _type_names() -> dict[int, str]:
    return {value: name.lower() for name, value in vars(tflite.TensorType).items() if name.isupper()}


@cache
def _operator_names() -> dict[int, str]:
    return {value: name for name, value in vars(tflite.BuiltinOperator).items() if name.isupper()}
