"""Runs a float TFLite model once, to see whether it computes what its source computes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError, first_line
from exporter.data.source import InputSpec
from exporter.execution.heavy import load, quiet
from profilers.decibels import snr_db

LEAST_SNR_DB = 60.0
"""Float rounding leaves 100 dB and more in the networks tried; what is below this is computed wrongly."""
BEST_DB = 200.0


def run_float(content: bytes, inputs: Sequence[InputSpec], sample: Sequence[NDArray[Any]], layout: str) -> list[Any]:
    """Outputs, NCHW where they have four dimensions, in the order of the model.

    Raises:
        ToolError: LiteRT cannot load or run it.
    """
    interpreter = load("ai_edge_litert.interpreter")
    try:
        with quiet():
            model = interpreter.Interpreter(model_content=content, num_threads=2)
            model.allocate_tensors()
            for detail, spec, value in zip(model.get_input_details(), inputs, sample, strict=True):
                last = spec.image is not None and layout == "NHWC"
                model.set_tensor(detail["index"], np.ascontiguousarray(np.moveaxis(value, 1, -1) if last else value))
            model.invoke()
            found = [model.get_tensor(detail["index"]) for detail in model.get_output_details()]
    except (ValueError, RuntimeError) as error:
        raise ToolError(f"LiteRT cannot run the converted model: {first_line(error)}") from error
    return [np.moveaxis(value, -1, 1) if value.ndim == 4 and layout == "NHWC" else value for value in found]


def least_snr(found: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]) -> float:
    """Signal-to-noise ratio of the worst output in dB; minus infinity for another shape or another NaN."""
    return min((_snr(one, other) for one, other in zip(found, expected, strict=True)), default=BEST_DB)


def _snr(found: NDArray[Any], expected: NDArray[Any]) -> float:
    if found.shape != expected.shape:
        return -np.inf
    return min(BEST_DB, snr_db(expected, found))
