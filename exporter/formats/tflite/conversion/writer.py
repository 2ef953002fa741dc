"""Writes operators into a flatbuffer's main graph, behind those that it has."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from numpy.typing import DTypeLike, NDArray

from exporter.formats.tflite.quantization.edit import code_index, constant

_OPTIONS = {
    "ADD": "AddOptions",
    "CAST": "CastOptions",
    "CONCATENATION": "ConcatenationOptions",
    "DEQUANTIZE": "DequantizeOptions",
    "DIV": "DivOptions",
    "EQUAL": "EqualOptions",
    "FLOOR_DIV": "FloorDivOptions",
    "FLOOR_MOD": "FloorModOptions",
    "GATHER": "GatherOptions",
    "GREATER": "GreaterOptions",
    "GREATER_EQUAL": "GreaterEqualOptions",
    "LESS": "LessOptions",
    "LOGICAL_AND": "LogicalAndOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "NON_MAX_SUPPRESSION_V4": "NonMaxSuppressionV4Options",
    "MUL": "MulOptions",
    "PACK": "PackOptions",
    "PAD": "PadOptions",
    "QUANTIZE": "QuantizeOptions",
    "REDUCE_PROD": "ReducerOptions",
    "RESHAPE": "ReshapeOptions",
    "SCATTER_ND": "ScatterNdOptions",
    "SELECT_V2": "SelectV2Options",
    "SUB": "SubOptions",
    "SUM": "ReducerOptions",
    "TOPK_V2": "TopKV2Options",
    "UNPACK": "UnpackOptions",
    "ZEROS_LIKE": "ZerosLikeOptions",
}

Shape = Sequence[int]
Operand = int | NDArray[Any]


class OperatorWriter:
    """Adds operators and constants to a model, in place.

    Args:
        model: objects of the schema.
        scope: what the names of new tensors begin with.
    """

    def __init__(self, model: Any, scope: str) -> None:
        self.model, self.graph, self._scope = model, model.subgraphs[0], scope

    def constant(self, values: NDArray[Any]) -> int:
        """Index of a new constant."""
        return constant(self.model, self.graph, self._name("constant"), np.asarray(values))

    def operator(
        self,
        kind: str,
        inputs: Sequence[Operand],
        shape: Shape,
        dtype: DTypeLike = np.float32,
        **options: Any,
    ) -> int:
        """Index of the only tensor that a new operator writes."""
        return self.operators(kind, inputs, [(shape, dtype)], **options)[0]

    def operators(
        self,
        kind: str,
        inputs: Sequence[Operand],
        written: Sequence[tuple[Shape, DTypeLike]],
        **options: Any,
    ) -> list[int]:
        """Indices of the tensors that a new operator writes.

        Args:
            inputs: tensors, or values of new constants.
            written: shape and type of each.
            options: fields of the operator's options in the schema.
        """
        operator = self._added(kind, code_index(self.model, getattr(schema.BuiltinOperator, kind), 1), inputs, written)
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, _OPTIONS[kind])
        operator.builtinOptions = getattr(schema, f"{_OPTIONS[kind]}T")()
        for name, value in options.items():
            setattr(operator.builtinOptions, name, value)
        return list(map(int, operator.outputs))

    def custom(
        self,
        name: str,
        inputs: Sequence[Operand],
        written: Sequence[tuple[Shape, DTypeLike]],
        options: Mapping[str, bool | int | float],
    ) -> list[int]:
        """As `operators`, of an operator that TFLite's schema does not have.

        Args:
            name: by which runtimes find its kernel.
            options: what it reads as a flexbuffer.
        """
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode, code.version = name.encode(), 1
        self.model.operatorCodes.append(code)
        operator = self._added(name, len(self.model.operatorCodes) - 1, inputs, written)
        operator.customOptions = np.frombuffer(bytes(flexbuffers.Dumps(dict(options))), np.uint8)
        operator.customOptionsFormat = schema.CustomOptionsFormat.FLEXBUFFERS
        return list(map(int, operator.outputs))

    def reshape(self, value: int, shape: Shape, dtype: DTypeLike = np.float32) -> int:
        """The same elements in another shape."""
        sizes = np.array(shape, np.int32)
        return self.operator("RESHAPE", [value, sizes], shape, dtype, newShape=sizes)

    def _added(
        self, kind: str, code: int, inputs: Sequence[Operand], written: Sequence[tuple[Shape, DTypeLike]]
    ) -> Any:
        """A new operator without options, behind the others."""
        operator = schema.OperatorT()
        operator.opcodeIndex = code
        given = [self.constant(value) if isinstance(value, np.ndarray) else value for value in inputs]
        outputs = [self._tensor(kind, *one) for one in written]
        operator.inputs, operator.outputs = np.array(given, np.int32), np.array(outputs, np.int32)
        self.graph.operators.append(operator)
        return operator

    def _tensor(self, kind: str, shape: Shape, dtype: DTypeLike) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.hasRank = self._name(kind), np.array(shape, np.int32), True
        tensor.type, tensor.buffer = getattr(schema.TensorType, np.dtype(dtype).name.upper()), 0
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def _name(self, what: str) -> bytes:
        return f"{self._scope}/{what.lower()}_{len(self.graph.tensors)}".encode()
