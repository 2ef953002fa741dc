"""An ONNX model as a flatbuffer by way of TensorFlow, operator by operator, in ONNX's axes."""

from collections.abc import Sequence
from typing import Any

from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import quiet
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.common.tracing.graph import Example
from exporter.formats.tflite.conversion.builders.tensorflow import flatbuffer_of
from exporter.formats.tflite.onnx_tensorflow import UntranslatableError, translate
from exporter.formats.tflite.onnx_tensorflow.node import Value
from exporter.formats.tflite.tensorflow import load_tensorflow


def exact(onnx_model: Any, inputs: Sequence[InputSpec], layout: str, sample: Example) -> bytes:
    """The float32 flatbuffer of an ONNX model; nothing about its layout is guessed.

    Args:
        onnx_model: simplified, image inputs NCHW.
        layout: of image inputs and four-dimensional outputs of the result, ``NHWC`` or ``NCHW``.
        sample: one example as the ONNX model takes it, with the batch dimension.

    Raises:
        ToolError: an operator, or a form of one, is not known.
    """
    return flatbuffer_of(traced(onnx_model, inputs, layout, sample))


def traced(onnx_model: Any, inputs: Sequence[InputSpec], layout: str, sample: Example) -> Any:
    """TensorFlow's concrete function of an ONNX model; see `exact`.

    Raises:
        ToolError: an operator, or a form of one, is not known.
    """
    try:
        return _function(onnx_model, inputs, layout, sample)
    except UntranslatableError as error:
        node = error.node
        raise refusal("This program's translation", node.kind, layer_of_onnx(node.name), error.why) from error


def _function(onnx_model: Any, inputs: Sequence[InputSpec], layout: str, sample: Example) -> Any:
    tensorflow = load_tensorflow()
    last = {spec.name for spec in inputs if spec.image is not None and layout == "NHWC"}
    compute = translate(onnx_model, sorted(last))
    names = [item.name for item in onnx_model.graph.output]

    def forward(*tensors: Any) -> list[Any]:
        values = compute({spec.name: tensor for spec, tensor in zip(inputs, tensors, strict=True)})
        return [tensorflow.identity(_in_layout(values[name], layout)) for name in names]

    signature = []
    for spec, value in zip(inputs, sample, strict=True):
        batch, *rest = value.shape
        shape = (batch, *rest[1:], rest[0]) if spec.name in last else value.shape
        signature.append(tensorflow.TensorSpec(shape, value.dtype, name=spec.name))
    with quiet():
        return tensorflow.function(forward, autograph=False).get_concrete_function(*signature)


def _in_layout(value: Value, layout: str) -> Any:
    """An output: of four dimensions in the target's layout, others as the source has them."""
    return value.last if value.rank == 4 and layout == "NHWC" else value.plain
