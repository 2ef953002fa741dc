"""An ONNX model as a flatbuffer by onnx2tf and TensorFlow.

onnx2tf, as its documentation uses it, writes a SavedModel twice, which takes nine tenths of its time; here nothing is
saved.
"""

import copy
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import load, quiet
from exporter.formats.common.refusals import refusal
from exporter.formats.common.tracing.graph import Example
from exporter.formats.tflite.conversion.builders.tensorflow import flatbuffer_of
from exporter.formats.tflite.tensorflow import load_tensorflow


def through_tensorflow(
    onnx_model: Any, inputs: Sequence[InputSpec], layout: str, sample: Example, expected: Sequence[NDArray[Any]]
) -> bytes:
    """The float32 flatbuffer of an ONNX model.

    Args:
        onnx_model: simplified, image inputs NCHW; left as it is.
        layout: of image inputs and four-dimensional outputs of the result, ``NHWC`` or ``NCHW``.
        sample: one example as the ONNX model takes it, with the batch dimension.
        expected: what the source gives for `sample`; it decides which axis of an output holds the channels.

    Raises:
        ToolError: an operator cannot be translated.
    """
    tensorflow = load_tensorflow()
    images = {spec.name for spec in inputs if spec.image is not None}
    own_names = [spec.name.replace(":", "__") for spec in inputs]  # as onnx2tf calls them
    kept = [name for name, spec in zip(own_names, inputs, strict=True) if spec.image is None]
    keras_model = _keras_model(copy.deepcopy(onnx_model), kept)
    names = [tensor.name.partition(":")[0] for tensor in keras_model.inputs]
    order = [names.index(name) if name in names else index for index, name in enumerate(own_names)]
    nhwc = [
        _to_channels_last(value) if spec.name in images else value for spec, value in zip(inputs, sample, strict=True)
    ]

    def call(values: Sequence[Any]) -> list[Any]:
        arranged: list[Any] = [None] * len(values)
        for position, value in zip(order, values, strict=True):
            arranged[position] = value
        result = keras_model(arranged if len(arranged) > 1 else arranged[0])
        return list(result) if isinstance(result, list | tuple) else [result]

    permutations = [
        _output_permutation(np.asarray(found), np.asarray(wanted))
        for found, wanted in zip(call([tensorflow.constant(value) for value in nhwc]), expected, strict=True)
    ]

    def forward(*values: Any) -> list[Any]:
        ready = [
            tensorflow.transpose(value, [0, 2, 3, 1]) if layout == "NCHW" and spec.name in images else value
            for spec, value in zip(inputs, values, strict=True)
        ]
        results = call(ready)
        return [
            _arranged(tensorflow, value, to_source, layout)
            for value, to_source in zip(results, permutations, strict=True)
        ]

    signature = [
        tensorflow.TensorSpec(_open_shape(spec, value.shape, layout), value.dtype, name=spec.name)
        for spec, value in zip(inputs, sample if layout == "NCHW" else nhwc, strict=True)
    ]
    with quiet():
        function = tensorflow.function(forward).get_concrete_function(*signature)
    return flatbuffer_of(function)


def _open_shape(spec: InputSpec, shape: Sequence[int], layout: str) -> list[int | None]:
    """The shape of an input in the target's layout, None for dimensions that are open."""
    first = spec.channels_first
    axes: Sequence[int] = () if first.flexible is None else first.flexible.axes
    if spec.image is not None and layout == "NHWC":
        axes = [(0, 3, 1, 2)[axis] for axis in axes]
    return [None if axis in axes else size for axis, size in enumerate(shape)]


def _keras_model(onnx_model: Any, kept_inputs: Sequence[str]) -> Any:
    with quiet():
        converter = load("onnx2tf")
    try:
        with tempfile.TemporaryDirectory() as folder, quiet():
            return converter.convert(
                onnx_graph=onnx_model,
                output_folder_path=folder,
                keep_shape_absolutely_input_names=list(kept_inputs) or None,
                tflite_backend="tf_converter",
                disable_model_save=True,
                non_verbose=True,
            )
    except (Exception, SystemExit) as error:
        raise refusal("onnx2tf", "", "", f"{type(error).__name__}: {error}") from error


def _to_channels_last(value: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(np.moveaxis(value, 1, -1))


def _output_permutation(found: NDArray[Any], wanted: NDArray[Any]) -> tuple[int, ...] | None:
    """The axes that bring `found` to the source's order: None when it has that order already.

    Raises:
        ToolError: the shapes agree in neither order.
    """
    last_to_first = (0, found.ndim - 1, *range(1, found.ndim - 1))
    candidates = {None: found, last_to_first: found.transpose(last_to_first)} if found.ndim > 2 else {None: found}
    fitting = {axes: value for axes, value in candidates.items() if value.shape == wanted.shape}
    if not fitting:
        raise ToolError(f"onnx2tf gave an output of shape {found.shape}; the source's is {wanted.shape}")
    return min(fitting, key=lambda axes: float(np.abs(fitting[axes].astype(np.float64) - wanted).mean()))


def _arranged(tensorflow: Any, value: Any, to_source: tuple[int, ...] | None, layout: str) -> Any:
    """An output in the target's layout: of four dimensions NHWC or NCHW, others as the source has them."""
    rank = len(value.shape)
    if rank == 4 and layout == "NHWC":
        return tensorflow.transpose(value, [0, 2, 3, 1]) if to_source is None else tensorflow.identity(value)
    return tensorflow.identity(value) if to_source is None else tensorflow.transpose(value, to_source)
