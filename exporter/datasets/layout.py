"""Arrays as an artifact takes them: its layout and its element type, or one sentence about why they cannot be."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.source import InputSpec


def arranged(value: NDArray[Any], spec: InputSpec, shape: Sequence[int]) -> NDArray[Any]:
    """A batch in the artifact's layout, channels first or last, where that is not the source's.

    Args:
        value: as the source takes it.
        spec: of the source.
        shape: what the artifact takes; -1 for any length.
    """
    choices = [value]
    if value.ndim > 2:
        channels_last = spec.image is None or spec.layout == "NCHW"
        choices += [np.moveaxis(value, 1, -1)] if channels_last else []
        choices += [np.moveaxis(value, -1, 1)] if spec.image is None or spec.layout == "NHWC" else []
    if spec.image is not None and value.ndim == 4 and len(shape) == 4 and _other_side(spec, shape):
        choices.reverse()
    fitting = [choice for choice in choices if fits_exactly(choice.shape, shape)]
    return np.ascontiguousarray(fitting[0] if fitting else choices[0])


def fits_exactly(given: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether an array of one shape can be given where another, with -1 for any length, is wanted."""
    return len(given) == len(wanted) and all(b < 0 or a == b for a, b in zip(given, wanted, strict=True))


def _other_side(spec: InputSpec, shape: Sequence[int]) -> bool:
    """Whether the artifact has an image's channels where the source has its width; channels are 1 or 3, pixels more."""
    assert spec.image is not None
    channels = len(spec.image.mean)
    first = int(shape[1]) == channels and int(shape[-1]) != channels
    return first == (spec.layout == "NHWC")


def whole(value: NDArray[Any], kind: type[Any], name: str) -> NDArray[Any]:
    """`value` as integers or booleans of dtype `kind`.

    Raises:
        ToolError: an element is not a whole number, or out of the type's range.
    """
    dtype = np.dtype(kind)
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    # A NaN fails every comparison; 2**63 is no int64, and float64 cannot hold 2**63 - 1.
    limit = np.nextafter(np.float64(high), 0) if value.dtype.kind == "f" and high > 2**53 else high
    good = (value >= low) & (value <= limit)
    if value.dtype.kind == "f":
        good &= np.floor(value) == value
    if not good.all():
        bad = value[~good].reshape(-1)[0]
        raise ToolError(
            f"the artifact's input {name} takes {dtype} values, whole numbers from {low} to {high}; it was given {bad}."
        )
    return value.astype(dtype)


def quantized(value: NDArray[Any], detail: dict[str, Any]) -> NDArray[Any]:
    """Real numbers as a quantized TFLite input stores them (its quantization specification)."""
    kind, scale, zero = detail["dtype"], *_parameters(detail, value.ndim)
    limits = np.iinfo(kind)
    return np.asarray(np.clip(np.rint(value / np.asarray(scale, np.float32)) + zero, limits.min, limits.max), kind)


def dequantized(value: NDArray[Any], detail: dict[str, Any]) -> NDArray[Any]:
    """The real numbers that a TFLite output stands for; an output without quantization is given as it is."""
    if not is_quantized(detail):
        return np.asarray(value)
    scale, zero = _parameters(detail, value.ndim)
    # float32 cannot hold every int32.
    return np.asarray((value.astype(np.float64) - zero) * scale, np.float32)


def is_quantized(detail: dict[str, Any]) -> bool:
    """Whether the elements of a TFLite tensor are integers that stand for real numbers."""
    scales = detail["quantization_parameters"]["scales"]
    return bool(np.dtype(detail["dtype"]).kind in "iu" and len(scales) and np.all(np.asarray(scales) != 0))


def _parameters(detail: dict[str, Any], rank: int) -> tuple[Any, Any]:
    """Scale and zero point as they broadcast over a tensor: scalars, or one each along an axis."""
    found = detail["quantization_parameters"]
    scales, zeros = np.asarray(found["scales"], np.float64), np.asarray(found["zero_points"], np.int64)
    if scales.size == 1:
        return scales[0], zeros[0] if zeros.size else 0
    shape = [1] * rank
    shape[found["quantized_dimension"]] = -1
    return scales.reshape(shape), zeros.reshape(shape) if zeros.size == scales.size else 0
