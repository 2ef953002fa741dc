"""An ONNX model as a TensorFlow function, operator by operator, in ONNX's axes."""

from collections.abc import Sequence
from typing import Any

from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import quiet
from exporter.formats.tflite.conversion.variants import Example, TfliteGraph
from exporter.formats.tflite.onnx_tensorflow import translate
from exporter.formats.tflite.onnx_tensorflow.node import Value
from exporter.formats.tflite.tensorflow import load_tensorflow


def exact_graph(
    onnx_model: Any, inputs: Sequence[InputSpec], outputs: Sequence[str], layout: str, sample: Example
) -> TfliteGraph:
    """Translate an ONNX model; nothing about its layout is guessed.

    Args:
        onnx_model: simplified, image inputs NCHW.
        layout: of image inputs and four-dimensional outputs of the result, ``NHWC`` or ``NCHW``.
        sample: one example as the ONNX model takes it, with the batch dimension.

    Raises:
        UntranslatableError: an operator, or a form of one, is not known.
    """
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
        function = tensorflow.function(forward, autograph=False).get_concrete_function(*signature)
    return TfliteGraph(function, tuple(inputs), tuple(outputs), layout)


def _in_layout(value: Value, layout: str) -> Any:
    """An output: of four dimensions in the target's layout, others as the source has them."""
    return value.last if value.rank == 4 and layout == "NHWC" else value.plain
