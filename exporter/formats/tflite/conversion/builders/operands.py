"""Operators of onnx2tf's direct builder as TensorFlow's converter writes them, for the sake of its quantizers."""

from collections import Counter
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporter.formats.tflite.conversion.file import operator_code, pack, parse
from exporter.formats.tflite.quantization import edit

_OPS = schema.BuiltinOperator
_VALUE = 2
"""Place of PADV2's constant among its operands (TFLite operators, ``tfl.padv2``)."""


def as_quantizers_want(content: bytes) -> bytes:
    """A file whose pad values are scalars, pools over whole maps means, and 1 / sqrt(x) one operator.

    A quantizer refuses a pad value of one dimension, which the builder writes and LiteRT runs. A pool's result has the
    scale of what it reads, which is too coarse for the mean of a map; that of MEAN is its own. A quotient in int8 fails
    in LiteRT where the divisor's byte is 0, and would stay in float.

    Returns:
        The given file where there is nothing to change.
    """
    model = parse(content)
    edits = _with_scalars, _with_means, _with_rsqrts
    changed = sum(edited(model, graph) for graph in model.subgraphs for edited in edits)
    edit.drop_unused_codes(model)
    return pack(model) if changed else content


def _with_scalars(model: Any, graph: Any) -> int:
    pads = (one for one in graph.operators if operator_code(model, one) == _OPS.PADV2)
    values = [graph.tensors[operator.inputs[_VALUE]] for operator in pads]
    values = [tensor for tensor in values if tensor.shape is not None and len(tensor.shape)]
    for tensor in values:
        tensor.shape, tensor.shapeSignature, tensor.hasRank = np.zeros(0, np.int32), None, True
    return len(values)


def _with_means(model: Any, graph: Any) -> int:
    pools = [operator for operator in graph.operators if _is_over_the_map(model, graph, operator)]
    axes = edit.constant(model, graph, b"height_and_width", np.array([1, 2], np.int32)) if pools else -1
    for operator in pools:
        operator.opcodeIndex = edit.code_index(model, _OPS.MEAN, 1)
        operator.inputs = np.array([operator.inputs[0], axes], np.int32)
        operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.ReducerOptions, _reducer()
    return len(pools)


def _with_rsqrts(model: Any, graph: Any) -> int:
    """As every normalization has one."""
    readers = Counter(int(place) for operator in graph.operators for place in operator.inputs)
    readers.update(map(int, graph.outputs))
    roots = {int(one.outputs[0]): one for one in graph.operators if operator_code(model, one) == _OPS.SQRT}
    divisions = [one for one in graph.operators if operator_code(model, one) == _OPS.DIV]
    found = [(one, roots[int(one.inputs[1])]) for one in divisions if int(one.inputs[1]) in roots]
    found = [(one, root) for one, root in found if readers[int(one.inputs[1])] == 1 and _divides_one(model, graph, one)]
    for division, root in found:
        division.opcodeIndex = edit.code_index(model, _OPS.RSQRT, 1)
        division.inputs = np.array([root.inputs[0]], np.int32)
        division.builtinOptionsType, division.builtinOptions = schema.BuiltinOptions.NONE, None
        graph.operators.remove(root)
    return len(found)


def _divides_one(model: Any, graph: Any, division: Any) -> bool:
    """Whether it is 1 / x, with nothing fused and of the shape of x."""
    one, root = (graph.tensors[place] for place in division.inputs)
    values = edit.floats(model, one)
    same = list(root.shape) == list(graph.tensors[division.outputs[0]].shape)
    plain = division.builtinOptions.fusedActivationFunction == schema.ActivationFunctionType.NONE
    return values is not None and bool((values == 1).all()) and same and plain


def _reducer() -> Any:
    options = schema.ReducerOptionsT()
    options.keepDims = True
    return options


def _is_over_the_map(model: Any, graph: Any, operator: Any) -> bool:
    if operator_code(model, operator) != _OPS.AVERAGE_POOL_2D:
        return False
    options, shape = operator.builtinOptions, list(graph.tensors[operator.inputs[0]].shape)
    whole = [options.filterHeight, options.filterWidth] == shape[1:3] and options.padding == schema.Padding.VALID
    return whole and options.fusedActivationFunction == schema.ActivationFunctionType.NONE
