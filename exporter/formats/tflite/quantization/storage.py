"""Writes constants of a flatbuffer in other types.

Operators that compute with a type read it as it is; the others read it through DEQUANTIZE, which LiteRT runs once, when
the model is loaded, and which its delegates fold away.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporter.data.errors import ToolError
from exporter.formats.tflite.conversion.file import drop_unused_buffers, operator_code
from exporter.formats.tflite.quantization import edit, grids
from exporter.formats.tflite.quantization.constants import Constant, Reading
from exporter.formats.tflite.quantization.forms import Form

_TYPES = {16: schema.TensorType.FLOAT16, 8: schema.TensorType.INT8, 4: schema.TensorType.INT4}
_DEQUANTIZE_VERSIONS = {16: 3, 8: 5, 4: 6}
"""Source: LiteRT, tflite/tools/versioning/op_version.cc; 5 knows a scale a channel."""


class Writer:
    """Edits one model in place.

    Args:
        model: objects of the schema.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._widening: dict[int, list[Any]] = {}

    def store(self, constant: Constant, form: Form) -> None:
        """Store `constant` in `form`.

        Raises:
            ToolError: its values do not lie on the grid that a recipe is said to have put them on.
        """
        graph = self.model.subgraphs[constant.graph]
        direct = [reading for reading in constant.readings if form.bits in reading.hybrid and reading.axis == form.axis]
        widened = [reading for reading in constant.readings if reading not in direct]
        if widened:
            self._widen(constant, form, widened)
        for reading in direct:
            self._compute_in_integers(graph.operators[reading.operator], reading, form)
        tensor = graph.tensors[constant.tensor]
        tensor.buffer = edit.append_buffer(self.model, _bytes(tensor, constant, form))
        tensor.type = _TYPES[form.bits]

    def finish(self) -> None:
        """Put the operators that widen constants before all others, and leave out what is no longer read."""
        for place, operators in self._widening.items():
            graph = self.model.subgraphs[place]
            graph.operators = [*operators, *graph.operators]
        drop_unused_buffers(self.model)

    def _widen(self, constant: Constant, form: Form, readings: list[Reading]) -> None:
        """Give `readings` a float32 tensor that DEQUANTIZE makes of the constant."""
        graph = self.model.subgraphs[constant.graph]
        wide = edit.float_tensor(graph, graph.tensors[constant.tensor])
        kind, version = schema.BuiltinOperator.DEQUANTIZE, _DEQUANTIZE_VERSIONS[form.bits]
        operator = edit.bridge(self.model, kind, version, constant.tensor, wide)
        self._widening.setdefault(constant.graph, []).append(operator)
        for reading in readings:
            graph.operators[reading.operator].inputs[reading.operand] = wide

    def _compute_in_integers(self, operator: Any, reading: Reading, form: Form) -> None:
        builtin = operator_code(self.model, operator)
        operator.opcodeIndex = edit.code_index(self.model, builtin, reading.hybrid[form.bits])
        if hasattr(operator.builtinOptions, "asymmetricQuantizeInputs"):
            operator.builtinOptions.asymmetricQuantizeInputs = True


def _bytes(tensor: Any, constant: Constant, form: Form) -> Any:
    """The stored values; integers get their scales into `tensor`.

    The integers of a grid of fewer bits than the form has are those of the grid.
    """
    if form.bits == 16:
        return np.ascontiguousarray(constant.values, np.float16).reshape(-1).view(np.uint8)
    bits = form.grid or form.bits
    steps = grids.scales(constant.values, form.axis, bits)
    if form.grid is not None and not grids.on_grid(constant.values, steps, form.axis):
        raise ToolError(
            f"the weight of {constant.readings[0].layer} is not on the {bits}-bit grid that the recipe put it on: "
            "the conversion changed it. Please report this with the model."
        )
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = steps, np.zeros(len(steps), np.int64)
    quantization.quantizedDimension = form.axis or 0
    tensor.quantization = quantization
    return grids.packed(grids.integers(constant.values, steps, form.axis, bits), form.bits)
