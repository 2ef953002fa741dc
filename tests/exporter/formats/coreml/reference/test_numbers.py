"""Numbers in and out of the evaluator, as `MLModel.predict` takes and gives them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.formats.coreml.reference import ModelInputError, ReferenceModel
from tests.exporter.formats.coreml.reference.programs import build, run


@pytest.fixture(scope="module")
def integers(tmp_path_factory: pytest.TempPathFactory) -> ReferenceModel:
    """``y = x`` of three int32."""
    path = tmp_path_factory.mktemp("integers") / "m.mlpackage"
    build(path, lambda mb, x: mb.identity(x=x), {"x": (3,)}, dtype="int32")
    return ReferenceModel(path)


def only(results: dict[str, Any]) -> np.ndarray[Any, Any]:
    (found,) = results.values()
    assert isinstance(found, np.ndarray)
    return found


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=3, max_size=3))
def test_whole_floats_are_taken_for_integers(integers: ReferenceModel, values: list[int]) -> None:
    """Core ML's predict takes float arrays for integer inputs; coremltools' own tests give nothing else."""
    found = only(integers.predict({"x": np.array(values, np.float64)}))
    assert found.dtype == np.int32
    assert found.tolist() == values


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.int8, np.uint8, np.int64, np.uint32, np.bool_]
)
def test_every_dtype_of_whole_numbers_is_taken(integers: ReferenceModel, dtype: type) -> None:
    assert only(integers.predict({"x": np.array([0, 1, 1], dtype)})).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("values", "dtype", "said"),
    [
        ([0, 0.5, 1], np.float32, r"element \[1\] is 0.5"),
        ([0, 1, np.nan], np.float32, r"element \[2\] is nan"),
        ([np.inf, 1, 2], np.float16, r"element \[0\] is inf"),
        ([0, 2**31, 1], np.int64, r"element \[1\] is 2147483648"),
        ([0, 1, 2**31], np.float32, r"element \[2\] is 2147483648"),
        ([0, 1, 2**32 - 1], np.uint32, r"element \[2\] is 4294967295"),
        ([0, 1, -(2**31) - 1], np.float64, r"element \[2\] is -2147483649"),
    ],
)
def test_what_is_no_integer_of_the_input_is_one_clear_error(
    integers: ReferenceModel, values: list[float], dtype: type, said: str
) -> None:
    """A cast would round, wrap around or invent a number, and the program would compute something else."""
    with pytest.raises(ModelInputError, match="input 'x' takes whole numbers from -2147483648 to 2147483647; " + said):
        integers.predict({"x": np.array(values, dtype)})


@pytest.mark.parametrize("given_", [3, 3.0, np.float32(3), np.array(3), np.array([3.0]), np.array([3], np.int64)])
def test_a_scalar_is_an_array_of_one_element(tmp_path: Path, given_: Any) -> None:
    """Core ML has no scalars: it describes them as one element, and takes either."""
    path = build(tmp_path / "m.mlpackage", lambda mb, x: mb.add(x=x, y=1.0), {"x": (1,)})
    assert run(path, {"x": given_})[0].tolist() == [4.0]


def test_a_scalar_comes_out_as_one_element(tmp_path: Path) -> None:
    path = build(tmp_path / "m.mlpackage", lambda mb, x: mb.reduce_sum(x=x, axes=[0], keep_dims=False), {"x": (4,)})
    assert run(path, {"x": np.ones(4)})[0].tolist() == [4.0]
    assert len(ReferenceModel(path).scalars) == 1


@pytest.mark.parametrize(
    ("box", "wanted"), [([2, 2, 1, 1], [3.5, 5.5, 11.5, 13.5]), ([0, 0, 1, 1], [3.5, 5.5, 11.5, 13.5])]
)
def test_a_box_that_starts_outside_and_runs_backwards_is_the_whole_image(
    tmp_path: Path, box: list[float], wanted: list[float]
) -> None:
    """The value that Apple's tests expect: centres of the four quarters of 1 to 16."""
    roi = np.array(box, np.float32).reshape(1, 1, 4, 1, 1)
    path = build(
        tmp_path / "m.mlpackage",
        lambda mb, x: mb.crop_resize(
            x=x,
            roi=roi,
            target_width=2,
            target_height=2,
            normalized_coordinates=True,
            box_coordinate_mode="CORNERS_HEIGHT_FIRST",
            sampling_mode="UNALIGN_CORNERS",
        ),
        {"x": (1, 1, 4, 4)},
        opset="iOS15",
    )
    image = np.arange(1, 17, dtype=np.float32).reshape(1, 1, 4, 4)
    assert run(path, {"x": image})[0].reshape(-1).tolist() == pytest.approx(wanted)
