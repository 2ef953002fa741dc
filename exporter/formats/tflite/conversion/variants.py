"""A concrete function of TensorFlow's as a TFLite file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import quiet
from exporter.formats.tflite.conversion.refusal import tflite_refusal
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


def convert(graph: TfliteGraph) -> bytes:
    """The float32 flatbuffer of `graph`, with TensorFlow's names; `file.finish` gives it the model's own.

    Raises:
        ToolError: TensorFlow's converter failed.
    """
    tensorflow = load_tensorflow()
    with _conversion_errors(graph), quiet():
        return bytes(tensorflow.lite.TFLiteConverter.from_concrete_functions([graph.function]).convert())


@contextmanager
def _conversion_errors(graph: TfliteGraph) -> Iterator[None]:
    """Turn what TensorFlow's converter raises into a `ToolError` that names the operator and its layer."""
    try:
        yield
    except (UsageProblem, ToolError):
        raise
    except Exception as error:
        raise tflite_refusal(error, graph.function.graph) from error
