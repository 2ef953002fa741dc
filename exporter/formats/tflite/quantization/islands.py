"""Puts operators of a float file back into its int16 variant, between DEQUANTIZE and QUANTIZE.

TensorFlow's int16 quantizer can keep nothing in float. It keeps the operators and their order, and adds QUANTIZE and
DEQUANTIZE, so that the two files can be walked side by side.
"""

from collections.abc import Callable
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from exporter.data.errors import ToolError
from exporter.formats.tflite.conversion.file import drop_unused_buffers, operator_code, pack, parse, text
from exporter.formats.tflite.quantization import edit
from exporter.formats.tflite.quantization.constants import operator_name
from exporter.formats.tflite.quantization.int16 import is_bridge

Keeps = Callable[[str, str], bool]
_QUANTIZE, _DEQUANTIZE = schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE
_INTEGERS = (schema.TensorType.INT16, schema.TensorType.INT8)


def with_floats(variant: bytes, content: bytes, keeps: Keeps) -> bytes:
    """`variant` with the operators in float32 that `keeps` chooses.

    Args:
        variant: what `to_int16x8` gave.
        content: the float32 file that it was made from.
        keeps: whether an operator of this type, which writes a tensor of this name, stays float.

    Raises:
        ToolError: the two files have other operators.
    """
    made, plain = parse(variant), parse(content)
    for graph, own in zip(made.subgraphs, plain.subgraphs, strict=True):
        _Islands(made, graph, plain, own).put(keeps)
    drop_unused_buffers(made)
    return pack(made)


class _Islands:
    """Of one subgraph; `graph` is edited, `own` is the float one."""

    def __init__(self, model: Any, graph: Any, plain: Any, own: Any) -> None:
        self.model, self.graph, self.plain, self.own = model, graph, plain, own
        self.widened: dict[int, int] = {}

    def put(self, keeps: Keeps) -> None:
        floats = iter([one for one in self.own.operators if not is_bridge(self.plain, one)])
        operators: list[Any] = []
        for operator in self.graph.operators:
            if is_bridge(self.model, operator):
                operators.append(operator)
                continue
            twin = next(floats, None)
            kind = operator_code(self.model, operator)
            if twin is None or operator_code(self.plain, twin) != kind:
                raise ToolError(
                    "TensorFlow's int16 quantizer changed the order of operators: rules cannot be followed."
                )
            name = text(self.own.tensors[twin.outputs[0]].name)
            operators += self._island(operator, twin) if keeps(operator_name(kind), name) else [operator]
        read = {int(index) for operator in operators for index in operator.inputs} | set(map(int, self.graph.outputs))
        self.graph.operators = [
            one for one in operators if not is_bridge(self.model, one) or int(one.outputs[0]) in read
        ]

    def _island(self, operator: Any, twin: Any) -> list[Any]:
        """The float operator, with what turns its inputs to float and its outputs back."""
        before: list[Any] = []
        after: list[Any] = []
        for place, index in enumerate(operator.inputs):
            operator.inputs[place] = self._float_input(int(index), int(twin.inputs[place]), before)
        for place, index in enumerate(operator.outputs):
            if self.graph.tensors[index].type in _INTEGERS:
                wide = edit.float_tensor(self.graph, self.graph.tensors[index])
                after.append(edit.bridge(self.model, _QUANTIZE, 2, wide, int(index)))
                operator.outputs[place] = self.widened[int(index)] = wide
        code = self.plain.operatorCodes[twin.opcodeIndex]
        operator.opcodeIndex = edit.code_index(self.model, operator_code(self.plain, twin), code.version)
        operator.builtinOptions = twin.builtinOptions
        return [*before, operator, *after]

    def _float_input(self, index: int, twin: int, before: list[Any]) -> int:
        """The operand in float: a constant of the float file, a result of an island, or what DEQUANTIZE makes."""
        if index < 0 or self.own.tensors[twin].type != edit.FLOAT32:
            return index
        data = self.plain.buffers[self.own.tensors[twin].buffer].data
        if data is not None and len(data):
            place = edit.float_tensor(self.graph, self.own.tensors[twin])
            self.graph.tensors[place].buffer = edit.append_buffer(self.model, data)
            return place
        if self.graph.tensors[index].type not in _INTEGERS:
            return index
        if index not in self.widened:
            self.widened[index] = edit.float_tensor(self.graph, self.graph.tensors[index])
            before.append(edit.bridge(self.model, _DEQUANTIZE, 3, index, self.widened[index]))
        return self.widened[index]
