"""Integer grids: nothing is lost but the rounding, and what lies on a grid comes back bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from exporter.formats.tflite.quantization import grids
from tests.exporter.formats.tflite.quantization.nibbles import unpacked

SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, max_side=5)
WEIGHTS = arrays.arrays(np.float32, SHAPES, elements=st.floats(-1024, 1024, width=32))
BITS = st.sampled_from((4, 8))


@given(WEIGHTS, BITS, st.data())
def test_rounding_misses_by_half_a_step_at_most(values: np.ndarray, bits: int, data: st.DataObject) -> None:  # type: ignore[type-arg]
    axis = data.draw(st.integers(0, values.ndim - 1))
    steps = grids.scales(values, axis, bits)
    spread = steps.reshape([-1 if place == axis else 1 for place in range(values.ndim)])
    found = grids.integers(values, steps, axis, bits)
    assert np.abs(found).max() <= grids.top(bits)
    assert (np.abs(values - found * spread) <= spread * 0.501).all() or np.abs(values).max() < 1e-30


@given(arrays.arrays(np.int8, (3, 7), elements=st.integers(-7, 7)), st.floats(2**-10, 1024, width=32))
def test_integers_of_a_trained_grid_come_back(stored: np.ndarray, scale: float) -> None:  # type: ignore[type-arg]
    """Protects recipes: the scale is found again from the largest magnitude of a channel."""
    stored[:, 0] = 7
    values = (stored * np.float32(scale / 7)).astype(np.float32)
    steps = grids.scales(values, 0, 4)
    assert grids.on_grid(values, steps, 0)
    assert np.array_equal(grids.integers(values, steps, 0, 4), stored)


def test_what_lies_between_the_steps_is_not_on_the_grid() -> None:
    values = np.array([[7, 3.5, -2]], np.float32)
    assert not grids.on_grid(values, grids.scales(values, 0, 4), 0)


@given(arrays.arrays(np.int8, st.integers(0, 9), elements=st.integers(-8, 7)))
def test_packed_halves_are_read_back_low_half_first(values: np.ndarray) -> None:  # type: ignore[type-arg]
    content = grids.packed(values, 4)
    assert len(content) == -(-len(values) // 2)
    assert np.array_equal(unpacked(content, len(values)), values)


def test_bytes_lie_as_the_schema_says() -> None:
    assert grids.packed(np.array([1, -2, 7], np.int8), 4).tolist() == [0xE1, 0x07]


@pytest.mark.parametrize("bits", [4, 8])
def test_a_channel_of_zeros_has_a_scale_and_stays_zero(bits: int) -> None:
    values = np.array([[0, 0], [1, -1]], np.float32)
    steps = grids.scales(values, 0, bits)
    assert (steps > 0).all()
    assert grids.integers(values, steps, 0, bits)[0].tolist() == [0, 0]
