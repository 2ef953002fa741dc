"""Whether phones can run a flatbuffer: no operator outside of TFLite's own, no tensor without data."""

from collections.abc import Iterator

from exporter.data.errors import ToolError
from exporter.formats.common.refusals import layer_of_onnx, refusal
from exporter.formats.tflite.inspection.tables import Graph, Model, Tensor, read_model


def usable(content: bytes, route: str) -> bytes:
    """`content` where every operator is a builtin of TFLite and finds its operands.

    Raises:
        ToolError: an operator is a custom one or one of TensorFlow's (flex), or reads a tensor that nothing writes.
    """
    model = read_model(memoryview(content))
    for graph in model.graphs:
        for problem in _problems(model, graph, route):
            raise problem
    return content


def _problems(model: Model, graph: Graph, route: str) -> Iterator[ToolError]:
    written = set(graph.inputs)
    for operator in graph.operators:
        where = layer_of_onnx(graph.tensors[operator.outputs[0]].name) if operator.outputs else ""
        if operator.custom:
            why = "TFLite has no such operator, and phones would need one of their own"
            yield refusal(route, operator.type.removeprefix("ONNX_"), where, why)  # as the direct builder calls it
        for operand in operator.inputs:
            if operand >= 0 and operand not in written and _without_data(model, graph.tensors[operand]):
                named = graph.tensors[operand].name or "a tensor"
                yield refusal(route, "", where, f"it left {named} without data")
        written.update(operator.outputs)


def _without_data(model: Model, tensor: Tensor) -> bool:
    return not tensor.variable and 0 not in tensor.shape and not model.buffers[tensor.buffer].nbytes
