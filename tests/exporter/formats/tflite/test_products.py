"""Products by a constant matrix are FULLY_CONNECTED: they compute the same, and layers can have 4 bits."""

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from exporter.formats.tflite.conversion.builders.products import with_fully_connected
from exporter.formats.tflite.conversion.file import finish, new_buffer, operator_code, pack, parse
from exporter.formats.tflite.quantization import edit
from exporter.formats.tflite.quantization.quantizer import Quantizer
from exporter.formats.tflite.settings import TfliteQuantization

GENERATOR = np.random.default_rng(0)
GIVEN = GENERATOR.standard_normal((2, 5, 32)).astype(np.float32)


def tensor(name: str, shape: tuple[int, ...], buffer: int = 0) -> Any:
    made = schema.TensorT()
    made.name, made.shape, made.type, made.buffer = name.encode(), np.array(shape, np.int32), edit.FLOAT32, buffer
    return made


def product(matrix: np.ndarray[Any, Any], *, transposed: bool, times: int = 1) -> bytes:
    """A file that multiplies its input, of the shape of `GIVEN`, by a constant, in `times` operators."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.operatorCodes, model.metadata, model.signatureDefs = 3, [], [], []
    model.buffers = [new_buffer(np.zeros(0, np.uint8)), new_buffer(matrix.reshape(-1).view(np.uint8))]
    width = matrix.shape[-2 if transposed else -1]
    outputs = [tensor(f"y{place}", (*GIVEN.shape[:-1], width)) for place in range(times)]
    graph.tensors = [tensor("x", GIVEN.shape), tensor("w", matrix.shape, 1), *outputs]
    graph.inputs, graph.outputs, graph.operators = [0], [2 + place for place in range(times)], []
    model.subgraphs = [graph]
    for place in range(times):
        operator = schema.OperatorT()
        operator.opcodeIndex = edit.code_index(model, schema.BuiltinOperator.BATCH_MATMUL, 1)
        operator.inputs, operator.outputs = [0, 1], [2 + place]
        operator.builtinOptionsType = schema.BuiltinOptions.BatchMatMulOptions
        operator.builtinOptions = schema.BatchMatMulOptionsT()
        operator.builtinOptions.adjY = transposed
        graph.operators.append(operator)
    return pack(model)


def kinds(content: bytes) -> list[int]:
    model = parse(content)
    return [operator_code(model, operator) for operator in model.subgraphs[0].operators]


def run(content: bytes) -> list[np.ndarray[Any, Any]]:
    model = Interpreter(model_content=content, num_threads=1)
    model.allocate_tensors()
    model.set_tensor(model.get_input_details()[0]["index"], GIVEN)
    model.invoke()
    return [model.get_tensor(detail["index"]) for detail in model.get_output_details()]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", [(32, 40), (32, 32), (1, 32, 40)])
@pytest.mark.parametrize("times", [1, 2])
def test_they_compute_the_same(shape: tuple[int, ...], transposed: bool, times: int) -> None:
    """Protects square matrices, whose orientation no shape tells, and a matrix that two products share."""
    matrix = GENERATOR.standard_normal(shape).astype(np.float32)
    stored = np.ascontiguousarray(matrix.swapaxes(-1, -2)) if transposed else matrix
    changed = with_fully_connected(product(stored, transposed=transposed, times=times))
    assert kinds(changed) == [schema.BuiltinOperator.FULLY_CONNECTED] * times
    for found in run(changed):
        np.testing.assert_allclose(found, GIVEN @ matrix, rtol=1e-4, atol=1e-4)


def test_a_matrix_of_two_layers_is_stored_once() -> None:
    """Tied weights, as of an embedding and the last layer of a decoder."""
    matrix = GENERATOR.standard_normal((32, 1024)).astype(np.float32)
    content = with_fully_connected(product(matrix, transposed=False, times=2))
    finished = finish(content, ["x"], ["y", "z"], {}, [], {}, "")
    assert len(content) > 2 * matrix.nbytes
    assert len(finished) < 1.1 * matrix.nbytes
    for found in run(finished):
        np.testing.assert_allclose(found, GIVEN @ matrix, rtol=1e-4, atol=1e-4)


def test_a_matrix_for_each_of_a_batch_stays_as_it_is() -> None:
    content = product(GENERATOR.standard_normal((2, 32, 40)).astype(np.float32), transposed=False)
    assert with_fully_connected(content) is content


def test_they_can_have_4_bits() -> None:
    """Protects what the rewrite is for: linear layers of transformers in the fewest bits."""
    matrix = GENERATOR.integers(-7, 8, (32, 40)).astype(np.float32)
    matrix[0] = 7
    content = with_fully_connected(product(matrix, transposed=False))
    made = Quantizer(content).variant(TfliteQuantization.model_validate({"weights": {"nbits": 4}}))
    assert schema.TensorType.INT4 in [tensor.type for tensor in parse(made.content).subgraphs[0].tensors]
    np.testing.assert_allclose(run(made.content)[0], GIVEN @ matrix, atol=0.02 * float(np.abs(GIVEN @ matrix).max()))
