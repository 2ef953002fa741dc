"""Runs a float TFLite model once, to see whether it computes what its source computes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError, first_line
from exporter.data.facts.source import InputSpec
from exporter.execution.forked import fatal_signal
from exporter.execution.heavy import load, quiet
from exporter.formats.common.refusals import RefusedError

_KEEP_IN_FLOAT = 'Keep the operator that it fails at in float with quantization.rules = [{ op_type = "NAME" }]'


def loadable(content: bytes) -> bytes:
    """`content` where LiteRT, with its default delegate, finds a kernel for every operator as it is quantized.

    Raises:
        ToolError: it does not.
    """
    interpreter = load("ai_edge_litert.interpreter")

    def allocate() -> None:
        with quiet():
            interpreter.Interpreter(model_content=content, num_threads=1).allocate_tensors()

    if ended := fatal_signal(allocate):
        raise RefusedError(f"LiteRT ends the process that loads the quantized model: {ended}", _KEEP_IN_FLOAT)
    try:
        allocate()
    except (ValueError, RuntimeError) as error:
        raise RefusedError(f"LiteRT cannot load the quantized model: {first_line(error)}", _KEEP_IN_FLOAT) from error
    return content


def run_float(content: bytes, inputs: Sequence[InputSpec], sample: Sequence[NDArray[Any]], layout: str) -> list[Any]:
    """Outputs, NCHW where they have four dimensions, in the order of the model.

    Raises:
        ToolError: LiteRT cannot load or run it.
    """
    interpreter = load("ai_edge_litert.interpreter")
    try:
        with quiet():
            model = interpreter.Interpreter(model_content=content, num_threads=2)
            last = [spec.image is not None and layout == "NHWC" for spec in inputs]
            given = [np.moveaxis(value, 1, -1) if moved else value for value, moved in zip(sample, last, strict=True)]
            details = model.get_input_details()
            for detail, value in zip(details, given, strict=True):
                if tuple(detail["shape"]) != value.shape:
                    model.resize_tensor_input(detail["index"], value.shape, strict=True)
            model.allocate_tensors()
            for detail, value in zip(details, given, strict=True):
                model.set_tensor(detail["index"], np.ascontiguousarray(value))
            model.invoke()
            found = [model.get_tensor(detail["index"]) for detail in model.get_output_details()]
    except (ValueError, RuntimeError) as error:
        raise ToolError(f"LiteRT cannot run the converted model: {first_line(error)}") from error
    return [np.moveaxis(value, -1, 1) if value.ndim == 4 and layout == "NHWC" else value for value in found]
