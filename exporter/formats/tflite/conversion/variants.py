"""TFLite: every variant of a model from one concrete function of TensorFlow's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import quiet
from exporter.formats.tflite.conversion.refusal import tflite_refusal
from exporter.formats.tflite.settings import TfliteQuantization
from exporter.formats.tflite.tensorflow import load_tensorflow

Example = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class TfliteGraph:
    """A model as a TensorFlow concrete function.

    Attributes:
        function: takes the inputs in the target's layout, gives a list of outputs.
        inputs: of the source.
        layout: of image inputs and of outputs with four dimensions.
        owner: what must live as long as the function: a function does not keep its Keras model's variables.
    """

    function: Any
    inputs: tuple[InputSpec, ...]
    outputs: tuple[str, ...]
    layout: str
    owner: Any = None

    @property
    def channels_last(self) -> frozenset[int]:
        """Positions of the inputs whose channels lie last here and first in the source's graph."""
        images = (place for place, spec in enumerate(self.inputs) if spec.image is not None)
        return frozenset(images) if self.layout == "NHWC" else frozenset()


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
    with conversion_errors(graph), quiet():
        return bytes(converter_for(graph, quantization, calibration).convert())


def convert_with_floats(
    graph: TfliteGraph,
    quantization: TfliteQuantization,
    calibration: Sequence[Example],
    kept_nodes: Sequence[str],
    kept_types: Sequence[str],
) -> bytes:
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
    with conversion_errors(graph), quiet():
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
def conversion_errors(graph: TfliteGraph) -> Iterator[None]:
    """Turn what TensorFlow's converter raises into a `ToolError` that names the operator and its layer."""
    try:
        yield
    except (UsageProblem, ToolError):
        raise
    except Exception as error:
        raise tflite_refusal(error, graph.function.graph) from error
