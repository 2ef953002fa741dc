"""Whether phones can run a flatbuffer: no operator outside of TFLite's own, no tensor without data."""

from collections.abc import Iterator
from typing import Any

from tflite.BuiltinOperator import BuiltinOperator
from tflite.Model import Model

from exporter.data.errors import ToolError
from exporter.formats.common.refusals import layer_of_onnx, refusal


def usable(content: bytes, route: str) -> bytes:
    """`content` where every operator is a builtin of TFLite and finds its operands.

    Raises:
        ToolError: an operator is a custom one or one of TensorFlow's (flex), or reads a tensor that nothing writes.
    """
    model = Model.GetRootAsModel(content, 0)
    for index in range(model.SubgraphsLength()):
        for problem in _problems(model, model.Subgraphs(index), route):
            raise problem
    return content


def _problems(model: Any, graph: Any, route: str) -> Iterator[ToolError]:
    written = {int(graph.Inputs(index)) for index in range(graph.InputsLength())}
    for place in range(graph.OperatorsLength()):
        operator = graph.Operators(place)
        code = model.OperatorCodes(operator.OpcodeIndex())
        results = [int(operator.Outputs(index)) for index in range(operator.OutputsLength())]
        where = layer_of_onnx(_name(graph, results[0])) if results else ""
        if code.BuiltinCode() == BuiltinOperator.CUSTOM:
            custom = (code.CustomCode() or b"").decode(errors="replace")
            yield refusal(route, custom, where, "TFLite has no such operator, and phones would need one of their own")
        for operand in (int(operator.Inputs(index)) for index in range(operator.InputsLength())):
            if operand >= 0 and operand not in written and _without_data(model, graph, operand):
                yield refusal(route, "", where, f"it left {_name(graph, operand) or 'a tensor'} without data")
        written.update(results)


def _without_data(model: Any, graph: Any, index: int) -> bool:
    tensor = graph.Tensors(index)
    empty = any(tensor.Shape(axis) == 0 for axis in range(tensor.ShapeLength()))
    return not tensor.IsVariable() and not empty and model.Buffers(tensor.Buffer()).DataLength() == 0


def _name(graph: Any, index: int) -> str:
    return (graph.Tensors(index).Name() or b"").decode(errors="replace")
