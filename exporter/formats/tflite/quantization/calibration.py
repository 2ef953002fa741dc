"""Integer variants: TensorFlow's calibrator runs the float32 file once, its quantizers make each variant of that."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from exporter.data.errors import ToolError, UsageProblem, first_line
from exporter.execution.heavy import heard
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.tflite.conversion.file import operator_code, pack, parse
from exporter.formats.tflite.quantization.native import load_calibration, load_converter
from exporter.formats.tflite.settings import TfliteQuantization

Example = Sequence[NDArray[Any]]
_IO_TYPES = {"float32": 1, "uint8": 2, "int8": 9}
"""Numbers in ``IODataType`` of tensorflow/compiler/mlir/lite/types.proto; integers are the quantized ones."""
_QUANTIZED_INT8 = 9
_WITH_INTERMEDIATES = {
    schema.BuiltinOperator.LSTM,
    schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM,
    schema.BuiltinOperator.BIDIRECTIONAL_SEQUENCE_LSTM,
    schema.BuiltinOperator.SVDF,
}
"""Operators with ``intermediates`` (TensorFlow, quantization/lite/toco_legacy/operator_property.cc)."""


def calibrated(content: bytes, examples: Sequence[Example]) -> bytes:
    """A float32 file with the extremes that each of its tensors took.

    Args:
        content: the float32 file.
        examples: the representative dataset: values of the file's inputs in their order and layout.

    Raises:
        UsageProblem: there is no example.
        ToolError: TensorFlow cannot run the file.
    """
    if not examples:
        raise UsageProblem("modes int8 and int16x8 need a representative dataset: give --calibration.")
    model = parse(content)
    outputs = [graph.outputs for graph in model.subgraphs]
    for graph in model.subgraphs:
        graph.outputs = _all_made(graph)
    measured = parse(_measured(pack(model), examples, intermediates=_has_intermediates(model)))
    for graph, own in zip(measured.subgraphs, outputs, strict=True):
        graph.outputs = own
    return pack(measured)


def _measured(content: bytes, examples: Sequence[Example], *, intermediates: bool) -> bytes:
    native = load_calibration()
    with _errors("TensorFlow's calibrator"):
        whole = native.AddIntermediateTensors(content) if intermediates else content
        wrapper = native.CalibrationWrapper(whole, [], [])  # reads `whole` as long as it lives, and does not own it
        wrapper.Prepare([list(value.shape) for value in examples[0]])
        for example in examples:
            wrapper.FeedTensor([np.ascontiguousarray(value) for value in example])
        return bytes(wrapper.Calibrate())


def _has_intermediates(model: Any) -> bool:
    """Whether an operator has results inside that are calibrated too; without one, the file is only copied thrice."""
    return any(operator_code(model, one) in _WITH_INTERMEDIATES for graph in model.subgraphs for one in graph.operators)


def _all_made(graph: Any) -> NDArray[np.int32]:
    """Outputs of the graph and of each of its operators: what is an output keeps its memory to the end.

    The calibrator looks at an operator's operands after it has run; an operator that writes over an operand, as TFLite
    lets additions and the like do, would have its result counted among the operand's values.
    """
    own = list(graph.outputs)
    made = [int(place) for operator in graph.operators for place in operator.outputs if place >= 0]
    return np.array([*own, *dict.fromkeys(place for place in made if place not in own)], np.int32)


def to_int8(
    content: bytes, quantization: TfliteQuantization, kept: Sequence[str] = (), kept_types: Sequence[str] = ()
) -> bytes:
    """A file that computes in int8; an operator without an integer kernel stays float.

    Args:
        content: what `calibrated` gave.
        quantization: types of inputs and outputs, granularity.
        kept: names of the tensors that operators write which stay float.
        kept_types: operator types that stay float.

    Raises:
        ToolError: TensorFlow's quantizer refused the model.
    """
    native = load_converter()
    with _errors("TensorFlow's int8 quantizer"):
        made = native.ExperimentalMlirQuantizeModel(
            content,
            quantization.granularity == "per_tensor",
            False,  # fully_quantize
            _QUANTIZED_INT8,
            _IO_TYPES[quantization.input_type],
            _IO_TYPES[quantization.output_type],
            False,  # enable_numeric_verify
            False,  # enable_whole_model_verify
            list(kept_types) or None,
            list(kept) or None,
            False,  # enable_variable_quantization
            False,  # disable_per_channel_for_dense_layers
            "",  # debug_options_str
        )
        return bytes(made)


def to_int16x8(content: bytes, quantization: TfliteQuantization) -> bytes:
    """A file that computes in int16 with int8 weights and 64-bit biases; other operators stay float.

    The quantizer of `to_int8` gives int16 too (``QUANTIZED_INT16``), but with zero points, which LiteRT refuses.

    Args:
        content: what `calibrated` gave.
        quantization: types of inputs and outputs, granularity.

    Raises:
        ToolError: TensorFlow's quantizer refused the model.
    """
    native = load_calibration()
    types = [np.dtype(name).num for name in (quantization.input_type, quantization.output_type)]
    with _errors("TensorFlow's int16 quantizer"):
        made = native.CalibrationWrapper(content, [], []).QuantizeModel(
            *types,
            True,  # allow_float
            np.dtype("int16").num,
            np.dtype("int64").num,
            quantization.granularity == "per_tensor",
            False,  # disable_per_channel_quantization_for_dense_layers
        )
        return bytes(made)


@contextmanager
def _errors(what: str) -> Iterator[None]:
    """Turn what TensorFlow's modules raise into a `ToolError`, with operator and layer, which a log line names."""
    with heard() as said:
        try:
            yield
        except (ValueError, RuntimeError, TypeError) as error:
            raise _refused(what, error, said()) from error


def _refused(what: str, error: Exception, said: str) -> ToolError:
    found = re.search(r'loc\("([^"]*)".*?error: (.*)', said)
    if found is None:
        return refusal(what, "", "", first_line(error))
    operator = re.search(r"'tfl\.(\w+)' op", found[2])
    return refusal(what, operator[1] if operator else "", layer_of_onnx(found[1]), found[2])
