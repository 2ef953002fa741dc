"""Arrays as artifacts take them: quantized and not, whole numbers, channels first and last."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.datasets.layout import arranged, dequantized, quantized, whole


def detail(kind: type[Any], scales: list[float] = [], zeros: list[int] = [], axis: int = 0) -> dict[str, Any]:  # noqa: B006
    """A tensor as LiteRT describes it."""
    parameters = {
        "scales": np.array(scales, np.float32),
        "zero_points": np.array(zeros, np.int32),
        "quantized_dimension": axis,
    }
    return {"dtype": kind, "quantization_parameters": parameters}


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_])
def test_integers_without_quantization_stay_as_they_are(kind: type[Any]) -> None:
    """Indices of an argmax and masks are no quantized numbers."""
    value: NDArray[Any] = np.array([0, 1, 1], kind)
    found = dequantized(value, detail(kind))
    assert found.dtype == kind
    assert np.array_equal(found, value)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32])
def test_quantized_numbers_come_back(kind: type[Any]) -> None:
    """`(q - zero) * scale`, at both ends of the type, worked out in Python's integers."""
    lowest, highest, zero = np.iinfo(kind).min, np.iinfo(kind).max, 3
    value: NDArray[Any] = np.array([lowest, 0, highest], kind)
    wanted = [(int(one) - zero) * 0.5 for one in value]
    assert dequantized(value, detail(kind, [0.5], [zero])).tolist() == np.array(wanted, np.float32).tolist()


def test_an_int32_output_keeps_its_small_differences() -> None:
    """float32 holds 24 bits: 2**30 + 1 minus a zero point of 2**30 is 1, not 0."""
    assert dequantized(np.array([2**30 + 1], np.int32), detail(np.int32, [1.0], [2**30])).tolist() == [1.0]


def test_a_scale_a_channel_counts_along_its_axis() -> None:
    found = dequantized(np.array([[1, 1], [2, 2]], np.int8), detail(np.int8, [1.0, 10.0], [0, 1], axis=1))
    assert found.tolist() == [[1.0, 0.0], [2.0, 10.0]]


@given(st.lists(st.floats(-300, 300, width=32), min_size=1, max_size=20))
def test_quantizing_is_off_by_half_a_step_at_most(values: list[float]) -> None:
    """Within the range of the type; beyond it, the nearest end."""
    one = detail(np.int8, [2.0], [-1])
    back = dequantized(quantized(np.array(values, np.float32), one), one)
    wanted = np.clip(np.array(values), (-128 + 1) * 2.0, (127 + 1) * 2.0)
    assert np.abs(back - wanted).max() <= 1.0


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.5, np.int32),
        (np.nan, np.int32),
        (np.inf, np.int64),
        (2.0**31, np.int32),
        (-129, np.int8),
        (2, np.bool_),
        (2.0**63, np.int64),
        (2**40, np.int32),
    ],
)
def test_what_is_no_whole_number_of_the_type_is_refused(value: float, kind: type[Any]) -> None:
    """A cast would wrap around, and compare something else."""
    with pytest.raises(ToolError, match=r"input ids takes .* it was given"):
        whole(np.array([0, value]), kind, "ids")


@given(st.integers(-(2**31), 2**31 - 1))
def test_whole_numbers_pass_in_any_dtype(value: int) -> None:
    assert whole(np.array([value], np.int64), np.int32, "ids").tolist() == [value]
    assert whole(np.array([value], np.float64), np.int32, "ids").tolist() == [value]


@pytest.mark.parametrize("shape", [(1, 20, 24, 3), (1, -1, -1, 3), (-1, 20, 24, 3)])
def test_an_image_goes_channels_last_where_the_artifact_has_them(shape: tuple[int, ...]) -> None:
    spec = InputSpec(name="x", shape=(1, 3, 20, 24), image=ImageSpec(mean=(0, 0, 0), std=(1, 1, 1), color="RGB"))
    value = np.arange(3 * 20 * 24).reshape(1, 3, 20, 24)
    assert np.array_equal(arranged(value, spec, shape), value.transpose(0, 2, 3, 1))


def test_features_move_where_only_that_fits() -> None:
    """A four-dimensional input of 16 channels is no image; a cube that fits as it is stays."""
    spec = InputSpec(name="x", shape=(1, 16, 12, 12))
    value = np.arange(16 * 144).reshape(1, 16, 12, 12)
    assert np.array_equal(arranged(value, spec, (1, 12, 12, 16)), value.transpose(0, 2, 3, 1))
    cube = InputSpec(name="x", shape=(1, 4, 4, 4))
    value = np.arange(64).reshape(1, 4, 4, 4)
    assert np.array_equal(arranged(value, cube, (1, 4, 4, 4)), value)
