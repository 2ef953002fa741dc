"""Operators of onnx2tf's direct builder as TensorFlow's converter writes them, for the sake of its quantizers."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporter.formats.tflite.conversion.file import operator_code, pack, parse
from exporter.formats.tflite.quantization import edit

_VALUE = 2
"""Place of PADV2's constant among its operands (TFLite operators, ``tfl.padv2``)."""


def as_quantizers_want(content: bytes) -> bytes:
    """A file whose pad values are scalars and whose pools over whole maps are means; the given one where all are.

    A quantizer refuses a pad value of one dimension, which the builder writes and LiteRT runs. A pool's result has the
    scale of what it reads, which is too coarse for the mean of a map; that of MEAN is its own.
    """
    model = parse(content)
    changed = sum(_with_scalars(model, graph) + _with_means(model, graph) for graph in model.subgraphs)
    edit.drop_unused_codes(model)
    return pack(model) if changed else content


def _with_scalars(model: Any, graph: Any) -> int:
    pads = (one for one in graph.operators if operator_code(model, one) == schema.BuiltinOperator.PADV2)
    values = [graph.tensors[operator.inputs[_VALUE]] for operator in pads]
    values = [tensor for tensor in values if tensor.shape is not None and len(tensor.shape)]
    for tensor in values:
        tensor.shape, tensor.shapeSignature, tensor.hasRank = np.zeros(0, np.int32), None, True
    return len(values)


def _with_means(model: Any, graph: Any) -> int:
    pools = [operator for operator in graph.operators if _is_over_the_map(model, graph, operator)]
    axes = edit.constant(model, graph, b"height_and_width", np.array([1, 2], np.int32)) if pools else -1
    for operator in pools:
        operator.opcodeIndex = edit.code_index(model, schema.BuiltinOperator.MEAN, 1)
        operator.inputs = np.array([operator.inputs[0], axes], np.int32)
        operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.ReducerOptions, _reducer()
    return len(pools)


def _reducer() -> Any:
    options = schema.ReducerOptionsT()
    options.keepDims = True
    return options


def _is_over_the_map(model: Any, graph: Any, operator: Any) -> bool:
    if operator_code(model, operator) != schema.BuiltinOperator.AVERAGE_POOL_2D:
        return False
    options, shape = operator.builtinOptions, list(graph.tensors[operator.inputs[0]].shape)
    whole = [options.filterHeight, options.filterWidth] == shape[1:3] and options.padding == schema.Padding.VALID
    return whole and options.fusedActivationFunction == schema.ActivationFunctionType.NONE
