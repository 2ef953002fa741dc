"""Every variant of a float32 ONNX model: float16, dynamic int8, static int8."""

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from exporter.data.errors import ToolError, UsageProblem, first_line
from exporter.execution.heavy import load, quiet
from exporter.formats.onnx.conversion.masks import masked_nodes
from exporter.formats.onnx.nodes import copy_of, sort_nodes
from exporter.formats.onnx.settings import OnnxQuantization

PRODUCT = "_MatMul"
"""What the dynamic quantizer adds to the name of a Gemm, whose product it takes apart from its sum."""
Example = Mapping[str, NDArray[Any]]
Range = tuple[float, float]


def to_float16(model: Any, kept: Sequence[str]) -> Any:
    """Weights and activations in float16, inputs and outputs in float32.

    Args:
        kept: names of nodes that stay in float32.
    """
    float16 = load("onnxruntime.transformers.float16")
    with _errors("float16"), quiet():
        converted = float16.convert_float_to_float16(
            copy_of(model), keep_io_types=True, node_block_list=list(kept) or None
        )
    sort_nodes(converted)  # the casts of inputs stand behind what reads them
    return converted


def to_dynamic_int8(model: Any, quantization: OnnxQuantization, kept: Sequence[str]) -> Any:
    """Weights in 8 bits; activations are quantized anew in every run.

    ONNX Runtime has ConvInteger for unsigned weights alone, and its x86 kernels saturate with signed ones.
    """
    library = load("onnxruntime.quantization")

    def write(path: Path) -> None:
        library.quantize_dynamic(
            copy_of(model),
            path,
            per_channel=quantization.granularity == "per_channel",
            weight_type=library.QuantType.QUInt8,
            nodes_to_exclude=[*kept, *(f"{name}{PRODUCT}" for name in kept)],
        )

    return _written(write)


def to_static_int8(
    model: Any,
    quantization: OnnxQuantization,
    kept: Sequence[str],
    examples: Sequence[Example],
    learned: Mapping[str, Range],
) -> Any:
    """Weights and activations in int8, as QuantizeLinear and DequantizeLinear around the float operators.

    Args:
        examples: the representative dataset, by input name.
        learned: ranges that a recipe learned, by the name of the value; they are not calibrated.

    Raises:
        UsageProblem: there are no examples.
        ToolError: the quantizer failed.
    """
    if not examples:
        raise UsageProblem("mode static_int8 needs a representative dataset: give --calibration.")
    library = load("onnxruntime.quantization")
    activation = {"int8": library.QuantType.QInt8, "uint8": library.QuantType.QUInt8}[quantization.activation_type]
    methods = library.CalibrationMethod
    method = {"min_max": methods.MinMax, "entropy": methods.Entropy, "percentile": methods.Percentile}
    options: dict[str, Any] = {}
    if quantization.observer == "percentile":
        options["CalibPercentile"] = 100 * quantization.percentile
    if learned:
        options["TensorQuantOverrides"] = {name: [_override(found)] for name, found in learned.items()}

    def write(path: Path) -> None:
        library.quantize_static(
            copy_of(model),
            path,
            _Reader(examples),
            quant_format=library.QuantFormat.QDQ,
            per_channel=quantization.granularity == "per_channel",
            activation_type=activation,
            weight_type=library.QuantType.QInt8,
            nodes_to_exclude=[*kept, *masked_nodes(model)],
            calibrate_method=method[quantization.observer],
            extra_options=options,
        )

    return _written(write)


def _override(found: Range) -> dict[str, Any]:
    low, high = found
    return {"rmin": np.asarray(low, np.float32), "rmax": np.asarray(high, np.float32)}


class _Reader:
    """Gives the quantizer one example at a time."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._left = iter(examples)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        example = next(self._left, None)
        return None if example is None else dict(example)


def _written(write: Callable[[Path], None]) -> Any:
    """The model that a quantizer writes to a file."""
    with tempfile.TemporaryDirectory() as folder, _errors("int8"), quiet():
        path = Path(folder) / "model.onnx"
        write(path)
        return onnx.load(str(path))


@contextmanager
def _errors(what: str) -> Iterator[None]:
    """Turn what a quantizer raises into a `ToolError`, and keep its advice on the root logger to itself."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    except Exception as error:  # the quantizers raise what their checks raise
        raise ToolError(f"ONNX Runtime cannot make the {what} model: {first_line(error)}") from error
    finally:
        root.setLevel(before)
