"""What TensorFlow's int16 quantizer does not take, or leaves in a state that LiteRT does not take.

It looks only at an operator's kind: an addition of indices, or a comparison of them, is refused for want of a range.
And a constant of zeros gets the scale 0, on which LiteRT ends the process.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporter.formats.tflite.conversion.file import operator_code, pack, parse
from exporter.formats.tflite.quantization import edit

_UNQUANTIZED = schema.BuiltinOperator.CAST
"""A kind of operator that the quantizer leaves alone."""


def without_integer_operators(content: bytes) -> bytes:
    """`content` whose operators of no float tensor are of a kind that stays as it is.

    Args:
        content: a float32 file.
    """
    model = parse(content)
    found = [operator for graph in model.subgraphs for operator in graph.operators if not _has_floats(graph, operator)]
    if not found:
        return content
    kind = edit.code_index(model, _UNQUANTIZED, 1)
    for operator in found:
        operator.opcodeIndex = kind
    edit.drop_unused_codes(model)
    return pack(model)


def with_integer_operators(variant: bytes, content: bytes) -> bytes:
    """`variant` with the operators again that `without_integer_operators` hid, and without scales of 0.

    Args:
        variant: what the quantizer made; it keeps the order of operators, and adds QUANTIZE and DEQUANTIZE.
        content: the float32 file, with nothing hidden.
    """
    model, plain = parse(variant), parse(content)
    for graph, own in zip(model.subgraphs, plain.subgraphs, strict=True):
        for operator, twin in zip(_own_operators(model, graph), _own_operators(plain, own), strict=True):
            if not _has_floats(own, twin):
                code = plain.operatorCodes[twin.opcodeIndex]
                operator.opcodeIndex = edit.code_index(model, operator_code(plain, twin), code.version)
        for operator in graph.operators:
            _mend_scales(graph, operator)
    edit.drop_unused_codes(model)
    return pack(model)


def is_bridge(model: Any, operator: Any) -> bool:
    """Whether an operator only turns floats to integers or back."""
    return operator_code(model, operator) in (schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE)


def _mend_scales(graph: Any, operator: Any) -> None:
    """Zeros get the scale of what is made with them: their own could be any, and must not be the largest of a sum."""
    made = graph.tensors[operator.outputs[0]].quantization
    for place in operator.inputs:
        given = graph.tensors[place].quantization if place >= 0 else None
        if made is not None and made.scale is not None and given is not None and given.scale is not None:
            given.scale = np.where(given.scale > 0, given.scale, made.scale[0]).astype(np.float32)


def _own_operators(model: Any, graph: Any) -> Iterator[Any]:
    return (operator for operator in graph.operators if not is_bridge(model, operator))


def _has_floats(graph: Any, operator: Any) -> bool:
    places = [int(place) for place in (*operator.inputs, *operator.outputs) if place >= 0]
    return any(graph.tensors[place].type == edit.FLOAT32 for place in places)
