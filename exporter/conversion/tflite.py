"""TFLite: one Keras graph a model, and every variant from its one concrete function.

onnx2tf, as its documentation uses it, writes a SavedModel twice, which takes nine tenths of its time; here nothing is
saved.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.errors import ToolError, UsageProblem, first_line
from exporter.heavy import load, load_tensorflow, quiet
from exporter.sources.description import InputSpec
from exporter.targets.settings import TfliteQuantization

Example = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class TfliteGraph:
    """A model as a TensorFlow concrete function.

    Attributes:
        function: takes the inputs in the target's layout, gives a list of outputs.
        inputs: of the source.
        layout: of image inputs and of outputs with four dimensions.
    """

    function: Any
    inputs: tuple[InputSpec, ...]
    outputs: tuple[str, ...]
    layout: str


def build_graph(
    onnx_model: Any,
    inputs: Sequence[InputSpec],
    outputs: Sequence[str],
    layout: str,
    sample: Example,
    expected: Sequence[NDArray[Any]],
) -> TfliteGraph:
    """Translate an ONNX model once; `TfliteGraph` then gives every variant.

    Args:
        onnx_model: simplified, image inputs NCHW.
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
    keras_model = _keras_model(onnx_model, kept, sample, inputs)
    names = [tensor.name.partition(":")[0] for tensor in keras_model.inputs]
    order = [names.index(name) if name in names else index for index, name in enumerate(own_names)]
    nhwc = [_to_channels_last(value) if spec.name in images else value
            for spec, value in zip(inputs, sample, strict=True)]  # fmt: skip

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
        tensorflow.TensorSpec(value.shape, value.dtype, name=spec.name)
        for spec, value in zip(inputs, sample if layout == "NCHW" else nhwc, strict=True)
    ]
    with quiet():
        function = tensorflow.function(forward).get_concrete_function(*signature)
    return TfliteGraph(function, tuple(inputs), tuple(outputs), layout)


def convert(graph: TfliteGraph, quantization: TfliteQuantization, calibration: Sequence[Example]) -> bytes:
    """One variant of `graph`.

    Args:
        graph: the model.
        quantization: what the target asks for, without its rules (see `convert_with_floats`).
        calibration: the representative dataset, in the graph's layout, with the batch dimension.

    Returns:
        The flatbuffer, with TensorFlow's names; `tflite_file.finish` gives it the model's own.

    Raises:
        UsageProblem: calibration data is needed and there is none.
        ToolError: TensorFlow's converter failed.
    """
    with conversion_errors(), quiet():
        return bytes(converter_for(graph, quantization, calibration).convert())


def convert_with_floats(
    graph: TfliteGraph, quantization: TfliteQuantization, calibration: Sequence[Example], kept_nodes: Sequence[str],
    kept_types: Sequence[str],
) -> bytes:  # fmt: skip
    """As `convert`, with some layers in float.

    Args:
        kept_nodes: names of the tensors that these layers write, as the float32 variant has them.
        kept_types: TFLite operator types.
    """
    tensorflow = load_tensorflow()
    debug = tensorflow.lite.experimental
    options = debug.QuantizationDebugOptions(
        denylisted_nodes=list(kept_nodes) or None, denylisted_ops=list(kept_types) or None
    )
    with conversion_errors(), quiet():
        converter = converter_for(graph, quantization, calibration)
        debugger = debug.QuantizationDebugger(
            converter=converter, debug_dataset=_representative(calibration), debug_options=options
        )
        return bytes(debugger.get_nondebug_quantized_model())


def converter_for(graph: TfliteGraph, quantization: TfliteQuantization, calibration: Sequence[Example]) -> Any:
    """TensorFlow's converter with the settings of `quantization`."""
    tensorflow = load_tensorflow()
    lite = tensorflow.lite
    converter = lite.TFLiteConverter.from_concrete_functions([graph.function])
    if quantization.mode == "float32":
        return converter
    converter.optimizations = [lite.Optimize.DEFAULT]
    if quantization.mode == "float16":
        converter.target_spec.supported_types = [tensorflow.float16]
    if quantization.calibrated:
        if not calibration:
            raise UsageProblem(f"mode {quantization.mode} needs a representative dataset: give --calibration.")
        wide = lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        operators = lite.OpsSet.TFLITE_BUILTINS_INT8 if quantization.mode == "int8" else wide
        # The float builtins let an operator without an integer kernel stay float; inspection names it.
        converter.target_spec.supported_ops = [operators, lite.OpsSet.TFLITE_BUILTINS]
        converter.representative_dataset = _representative(calibration)
        converter.inference_input_type = getattr(tensorflow, quantization.input_type)
        converter.inference_output_type = getattr(tensorflow, quantization.output_type)
        converter._experimental_disable_per_channel = quantization.granularity == "per_tensor"
    return converter


def _representative(calibration: Sequence[Example]) -> Callable[[], Iterator[list[NDArray[Any]]]]:
    return lambda: (list(example) for example in calibration)


@contextmanager
def conversion_errors() -> Iterator[None]:
    """Turn what TensorFlow's converter raises into `ToolError`."""
    tensorflow = load_tensorflow()
    try:
        yield
    except (tensorflow.errors.OpError, RuntimeError, ValueError, SystemError) as error:
        if isinstance(error, UsageProblem | ToolError):
            raise
        raise ToolError(f"TensorFlow's converter failed: {first_line(error)}") from error
    except Exception as error:
        if type(error).__name__ == "ConverterError":
            raise ToolError(f"TensorFlow's converter failed: {first_line(error)}") from error
        raise


def _keras_model(onnx_model: Any, kept_inputs: Sequence[str], sample: Example, inputs: Sequence[InputSpec]) -> Any:
    with quiet():
        converter = load("onnx2tf")
    images = [value for spec, value in zip(inputs, sample, strict=True) if spec.image is not None]
    try:
        with tempfile.TemporaryDirectory() as folder, quiet(), _sample_data(images):
            return converter.convert(
                onnx_graph=onnx_model,
                output_folder_path=folder,
                keep_shape_absolutely_input_names=list(kept_inputs) or None,
                disable_model_save=True,
                non_verbose=True,
            )
    except (Exception, SystemExit) as error:
        raise ToolError(f"onnx2tf cannot translate the model: {type(error).__name__}: {first_line(error)}") from error


@contextmanager
def _sample_data(images: Sequence[NDArray[Any]]) -> Iterator[None]:
    """Give onnx2tf the caller's image (NHWC) where it would download some to compare its layers with."""
    modules = [load("onnx2tf.onnx2tf"), load("onnx2tf.utils.common_functions")]
    saved = [module.download_test_image_data for module in modules]
    sample = _to_channels_last(images[0]) if images else np.zeros((1, 8, 8, 3), np.float32)

    def own_sample() -> NDArray[np.float32]:
        return np.ascontiguousarray(sample, np.float32)

    try:
        for module in modules:
            module.download_test_image_data = own_sample
        yield
    finally:
        for module, function in zip(modules, saved, strict=True):
            module.download_test_image_data = function


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
