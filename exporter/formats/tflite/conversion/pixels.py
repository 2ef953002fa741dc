"""Normalization before a TFLite model: its input takes pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.formats.common.preprocessing import SCOPE, scale_and_shift, turned
from exporter.formats.tflite.conversion.file import operator_code, pack, parse
from exporter.formats.tflite.conversion.writer import OperatorWriter
from exporter.formats.tflite.quantization.edit import code_index

_MOST = 127
"""Of the integers of a weight."""
_OF_INT8 = 3
"""Version of CONV_2D with int8 weights."""


def taking_pixels(content: bytes, spec: InputSpec, layout: str) -> bytes:
    """`content` whose one input takes bytes, RGB from 0 to 255, and becomes what it was.

    In float32, by a product and a sum; where all that the model does with its input is to quantize it to int8, by a
    convolution in integers, which rounds once as well. The input says scale 1 and zero point 0, by which a byte stands
    for the pixel that it is.

    Args:
        content: a flatbuffer that takes normalized floats, whatever it computes in.
        spec: of its input.
        layout: of its input, ``NHWC`` or ``NCHW``.
    """
    assert spec.image is not None
    model = parse(content)
    graph = model.subgraphs[0]
    (place,) = map(int, graph.inputs)
    own, known, given = list(graph.operators), len(graph.tensors), graph.tensors[place]
    given.type, given.quantization = schema.TensorType.UINT8, _quantization([1], 0)
    write = OperatorWriter(model, SCOPE.rstrip("/"))
    quantizer = _only_quantizer(model, own, place) if layout == "NHWC" else None
    if quantizer is None:
        _read_instead(own, place, _in_floats(write, place, spec.image, 3 if layout == "NHWC" else 1))
    else:
        _in_integers(write, place, spec.image, quantizer)
    for tensor in graph.tensors[known:]:
        if not tensor.buffer:
            tensor.shapeSignature = given.shapeSignature
    graph.operators = [*graph.operators[len(own) :], *own]
    return pack(model)


def _only_quantizer(model: Any, operators: Sequence[Any], place: int) -> Any | None:
    """The operator that alone reads the input, where it quantizes it to int8."""
    readers = [operator for operator in operators if place in operator.inputs]
    if len(readers) != 1 or operator_code(model, readers[0]) != schema.BuiltinOperator.QUANTIZE:
        return None
    made = model.subgraphs[0].tensors[readers[0].outputs[0]]
    return readers[0] if made.type == schema.TensorType.INT8 else None


def _in_floats(write: OperatorWriter, place: int, image: ImageSpec, axis: int) -> int:
    """The tensor that holds ``scale * pixel + shift``, channels in the source's order."""
    shape = write.graph.tensors[place].shape
    along = [-1 if number == axis else 1 for number in range(4)]
    scale, shift = (np.array(values, np.float32).reshape(along) for values in scale_and_shift(image))
    value = write.operator("DEQUANTIZE", [place], shape)
    if turned(image):
        value = write.operator("GATHER", [value, np.array([2, 1, 0], np.int32)], shape, axis=axis)
    return write.operator("ADD", [write.operator("MUL", [value, scale], shape), shift], shape)


def _read_instead(operators: Sequence[Any], place: int, value: int) -> None:
    for operator in operators:
        operator.inputs = np.where(operator.inputs == place, value, operator.inputs).astype(np.int32)


def _in_integers(write: OperatorWriter, place: int, image: ImageSpec, quantizer: Any) -> None:
    """Make `quantizer` a convolution of one pixel that normalizes, turns channels around and quantizes."""
    tensors = write.graph.tensors
    scale, shift = (np.array(values) for values in scale_and_shift(image))
    steps, count = scale / _MOST, len(scale)
    kernel = _MOST * np.eye(count)[:: -1 if turned(image) else 1].reshape(count, 1, 1, count)
    operands = [
        write.operator("QUANTIZE", [place], tensors[place].shape, np.int8),
        write.constant(kernel.astype(np.int8)),
        write.constant(np.rint(shift / steps).astype(np.int32)),
    ]
    tensors[operands[0]].quantization = _quantization([1], -128)
    for operand in operands[1:]:
        tensors[operand].quantization = _quantization(steps, 0)
    quantizer.opcodeIndex = code_index(write.model, schema.BuiltinOperator.CONV_2D, _OF_INT8)
    quantizer.inputs = np.array(operands, np.int32)
    quantizer.builtinOptionsType, quantizer.builtinOptions = schema.BuiltinOptions.Conv2DOptions, _of_one_pixel()
    tensors[quantizer.outputs[0]].name = f"{SCOPE}normalized".encode()


def _of_one_pixel() -> Any:
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    return options


def _quantization(scales: Sequence[float] | NDArray[np.float64], zero: int) -> Any:
    quantization = schema.QuantizationParametersT()
    quantization.scale = np.array(scales, np.float32)
    quantization.zeroPoint = np.full(len(scales), zero, np.int64)
    return quantization
