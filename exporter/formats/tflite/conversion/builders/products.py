"""Products by a constant matrix as FULLY_CONNECTED, as TensorFlow's converter writes them.

onnx2tf's direct builder writes BATCH_MATMUL, whose integer weights have one scale for all channels and never 4 bits.
"""

from collections import Counter
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from exporter.formats.tflite.conversion.file import drop_unused_buffers, operator_code, pack, parse
from exporter.formats.tflite.quantization import edit

_VERSION = 6
"""Of FULLY_CONNECTED without a bias (LiteRT, tflite/tools/versioning/op_version.cc)."""


def with_fully_connected(content: bytes) -> bytes:
    """A float32 file whose products by a constant matrix are FULLY_CONNECTED, with the bias that is added to them.

    Returns:
        The given file where there is nothing to change.
    """
    model, changed = parse(content), 0
    for graph in model.subgraphs:
        readers = Counter(int(index) for operator in graph.operators for index in operator.inputs)
        readers.update(map(int, graph.outputs))
        for operator in graph.operators:
            matrix = _matrix(model, graph, operator)
            if matrix is not None:
                constant = int(operator.inputs[1])
                _replace(model, graph, operator, matrix, alone=readers[constant] == 1)
                readers[constant] -= 1
                changed += 1
        changed += _take_biases(model, graph, readers)
    drop_unused_buffers(model)
    edit.drop_unused_codes(model)
    return pack(model) if changed else content


def _matrix(model: Any, graph: Any, operator: Any) -> NDArray[np.float32] | None:
    """The constant that a product multiplies by, output channels first; None for other operators."""
    if operator_code(model, operator) != schema.BuiltinOperator.BATCH_MATMUL or operator.builtinOptions.adjX:
        return None
    given, weight = (graph.tensors[int(index)] for index in operator.inputs)
    values, shape = edit.floats(model, weight), tuple(weight.shape)
    if values is None or set(shape[:-2]) - {1} or len(given.shape) < max(2, len(shape)):
        return None
    values = values.reshape(shape[-2:])
    return np.ascontiguousarray(values if operator.builtinOptions.adjY else values.T)


def _replace(model: Any, graph: Any, operator: Any, matrix: NDArray[np.float32], *, alone: bool) -> None:
    number = int(operator.inputs[1])
    if not alone:
        number = edit.float_tensor(graph, graph.tensors[number])
    tensor = graph.tensors[number]
    tensor.shape, tensor.shapeSignature = np.array(matrix.shape, np.int32), None
    tensor.buffer = edit.append_buffer(model, matrix.reshape(-1).view(np.uint8))
    operator.inputs = np.array([operator.inputs[0], number, -1], np.int32)
    operator.opcodeIndex = edit.code_index(model, schema.BuiltinOperator.FULLY_CONNECTED, _VERSION)
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    operator.builtinOptions.keepNumDims = True


def _take_biases(model: Any, graph: Any, readers: Counter[int]) -> int:
    """An addition of a value a channel becomes the product's own: in integers it then has 32 bits and not 8."""
    products = {
        int(one.outputs[0]): one
        for one in graph.operators
        if operator_code(model, one) == schema.BuiltinOperator.FULLY_CONNECTED and one.inputs[2] < 0
    }
    taken = []
    for operator in graph.operators:
        if operator_code(model, operator) == schema.BuiltinOperator.ADD:
            for made, bias in (operator.inputs, operator.inputs[::-1]):
                product = products.get(int(made))
                if product is not None and readers[int(made)] == 1 and _is_bias(model, graph, operator, product, bias):
                    taken.append((operator, product, int(bias)))
                    break
    for addition, product, bias in taken:
        product.inputs = np.array([*product.inputs[:2], bias], np.int32)
        product.outputs = addition.outputs
        product.builtinOptions.fusedActivationFunction = addition.builtinOptions.fusedActivationFunction
        graph.operators.remove(addition)
    return len(taken)


def _is_bias(model: Any, graph: Any, addition: Any, product: Any, bias: int) -> bool:
    """Whether a constant holds one value for each channel of a product that has neither bias nor activation."""
    values = edit.floats(model, graph.tensors[bias])
    channels = graph.tensors[product.inputs[1]].shape[0]
    plain = product.builtinOptions.fusedActivationFunction == schema.ActivationFunctionType.NONE
    same = list(graph.tensors[addition.outputs[0]].shape) == list(graph.tensors[product.outputs[0]].shape)
    return values is not None and values.shape == (channels,) and plain and same
