"""TensorFlow's own converter, for the routes that make a function of TensorFlow's."""

from typing import Any

from exporter.execution.heavy import quiet
from exporter.formats.tflite.conversion.refusal import tflite_refusal
from exporter.formats.tflite.tensorflow import load_tensorflow


def flatbuffer_of(function: Any) -> bytes:
    """The float32 flatbuffer of a concrete function, in operators of TFLite alone.

    Raises:
        ToolError: TensorFlow's converter refused it.
    """
    converter = load_tensorflow().lite.TFLiteConverter.from_concrete_functions([function])
    try:
        with quiet():
            return bytes(converter.convert())
    except Exception as error:
        raise tflite_refusal(error, function.graph) from error
