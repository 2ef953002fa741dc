"""What `inspect` tells of a TFLite file, against files written by hand."""

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from exporter.data.facts.inspection import Inspection
from exporter.formats.tflite.inspection.names import operator_name, type_name
from exporter.formats.tflite.inspection.reader import inspect_tflite

TYPES, OPERATORS = schema.TensorType, schema.BuiltinOperator
HALVES = np.array([[1, 0, 2], [0, 0, 4]], np.float16)


def tensor(name: str, kind: int, shape: list[int], buffer: int = 0, signature: list[int] | None = None) -> Any:
    made = schema.TensorT()
    made.name, made.type, made.shape, made.buffer = name.encode(), kind, shape, buffer
    made.shapeSignature = signature
    return made


def operator(code: int, inputs: list[int], outputs: list[int]) -> Any:
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = code, inputs, outputs
    return made


def code(builtin: int, custom: bytes | None = None) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode, made.deprecatedBuiltinCode, made.customCode = builtin, min(builtin, 127), custom
    return made


def inspected(path: Path, codes: list[Any], tensors: list[Any], operators: list[Any], *data: bytes) -> Inspection:
    """A file whose graph goes from its first tensor to its last; `data` are the buffers from 1 on."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.description, model.operatorCodes, model.subgraphs = 3, b"by hand", codes, [graph]
    model.buffers = [schema.BufferT() for _ in range(len(data) + 1)]
    for buffer, content in zip(model.buffers[1:], data, strict=True):
        buffer.data = np.frombuffer(content, np.uint8)
    graph.tensors, graph.operators = tensors, operators
    graph.inputs, graph.outputs = [0], [len(tensors) - 1]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(builder.Output())
    return inspect_tflite(path)


@pytest.fixture
def linear(tmp_path: Path) -> Inspection:
    """A fully connected layer whose weights are stored in float16 and widened when the file is loaded."""
    tensors = [
        tensor("x", TYPES.FLOAT32, [1, 3], signature=[-1, 3]),
        tensor("halves", TYPES.FLOAT16, [2, 3], 1),
        tensor("widened", TYPES.FLOAT32, [2, 3]),
        tensor("bias", TYPES.FLOAT32, [2], 2),
        tensor("scores", TYPES.FLOAT32, [1, 2], signature=[-1, 2]),
    ]
    operators = [operator(0, [1], [2]), operator(1, [0, 2, 3], [4])]
    codes = [code(OPERATORS.DEQUANTIZE), code(OPERATORS.FULLY_CONNECTED)]
    return inspected(tmp_path / "m.tflite", codes, tensors, operators, HALVES.tobytes(), np.ones(2, "f").tobytes())


def test_inputs_and_outputs_keep_their_flexible_dimensions(linear: Inspection) -> None:
    assert [(one.name, one.dtype, one.shape) for one in linear.inputs] == [("x", "float32", (-1, 3))]
    assert [(one.name, one.dtype, one.shape) for one in linear.outputs] == [("scores", "float32", (-1, 2))]
    assert linear.metadata == {"schema_version": "3", "description": "by hand"}
    assert linear.size_bytes == Path(linear.path).stat().st_size


def test_a_widened_weight_belongs_to_the_layer_that_uses_it(linear: Inspection) -> None:
    """Protects the table of layers: all weights of a float16 file would be those of DEQUANTIZE."""
    weight, bias = linear.weights
    assert (weight.layer, weight.op_type, weight.kind) == ("scores", "FULLY_CONNECTED", "weight")
    assert (weight.name, weight.dtype, weight.shape) == ("halves", "float16", (2, 3))
    assert (weight.size_bytes, weight.nonzeros, weight.distinct, weight.bits_per_weight) == (12, 3, 4, 16)
    assert (bias.layer, bias.kind, bias.dtype) == ("scores", "bias", "float32")


def test_operators_are_called_after_their_outputs_with_the_type_they_compute_in(linear: Inspection) -> None:
    assert [(one.name, one.type, one.dtype) for one in linear.ops] == [
        ("widened", "DEQUANTIZE", "float32"),
        ("scores", "FULLY_CONNECTED", "float32"),
    ]


def test_operators_of_others_and_of_later_versions_are_named_as_they_can_be(tmp_path: Path) -> None:
    """A file of a newer TensorFlow is inspected all the same."""
    tensors = [tensor(name, TYPES.INT8, [1, 4]) for name in ("x", "a", "b")]
    codes = [code(OPERATORS.CUSTOM, b"Custom::Mine"), code(9000)]
    facts = inspected(tmp_path / "m.tflite", codes, tensors, [operator(0, [0], [1]), operator(1, [1], [2])])
    assert [(one.type, one.dtype) for one in facts.ops] == [("Custom::Mine", "int8"), ("BUILTIN_9000", "int8")]
    assert facts.weights == ()
    assert facts.bits_per_weight() is None


def test_an_optional_input_that_is_left_out_is_no_constant(tmp_path: Path) -> None:
    """TFLite writes -1; as an index it is the last tensor."""
    tensors = [
        tensor("x", TYPES.FLOAT32, [1, 3]),
        tensor("w", TYPES.FLOAT32, [3, 3], 1),
        tensor("y", TYPES.FLOAT32, [1, 3]),
    ]
    weights = np.eye(3, dtype=np.float32).tobytes()
    facts = inspected(
        tmp_path / "m.tflite", [code(OPERATORS.FULLY_CONNECTED)], tensors, [operator(0, [0, 1, -1], [2])], weights
    )
    assert [one.name for one in facts.weights] == ["w"]


def test_names_are_those_of_the_schema() -> None:
    """The runtime's own copy of it, which may be older than the list."""
    for kinds, named in ((OPERATORS, operator_name), (TYPES, type_name)):
        numbers = {value: name for name, value in vars(kinds).items() if name.isupper()}
        assert {number: named(number).upper() for number in numbers} == numbers


def test_what_a_newer_schema_adds_goes_by_its_number() -> None:
    assert (operator_name(9999), type_name(99)) == ("BUILTIN_9999", "type 99")
