"""ONNX operators as TensorFlow operators, each in the axes that ONNX gives it: no layout is ever guessed."""

from exporter.formats.tflite.onnx_tensorflow.graph import translate
from exporter.formats.tflite.onnx_tensorflow.node import UntranslatableError

__all__ = ["UntranslatableError", "translate"]
