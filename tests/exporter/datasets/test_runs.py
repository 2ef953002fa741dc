"""Examples as runs of a model take them: batches, whole inputs, whole pixels."""

from pathlib import Path

import numpy as np
import pytest

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.datasets.examples.pictures import as_pictures
from exporter.datasets.open import open_dataset

IMAGE = ImageSpec(mean=(0.5,) * 3, std=(0.25,) * 3, color="RGB")


def saved(folder: Path, **arrays: object) -> str:
    path = folder / "data.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return str(path)


def test_a_batch_of_four_takes_four_examples_and_the_last_is_filled(tmp_path: Path) -> None:
    rows = np.arange(30.0, dtype=np.float32).reshape(10, 3)
    data = open_dataset(saved(tmp_path, x=rows), [InputSpec(name="x", shape=(4, 3))], "crop")
    runs = data.runs()
    assert runs == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 0, 1)]
    np.testing.assert_array_equal(data.batch(runs[2])[0], rows[[8, 9, 0, 1]])
    assert data.runs(3) == [(0, 3, 6, 0)]


@pytest.mark.parametrize(("shape", "array"), [((40,), (5, 40)), ((7, 1, 3), (5, 7, 1, 3)), ((1, 3), (5, 1, 3))])
def test_whole_inputs(tmp_path: Path, shape: tuple[int, ...], array: tuple[int, ...]) -> None:
    """A waveform, a sequence with time first, rows that come with their batch of one."""
    values = np.random.default_rng(0).normal(size=array).astype(np.float32)
    data = open_dataset(saved(tmp_path, x=values), [InputSpec(name="x", shape=shape)], "crop")
    for run in data.runs():
        (found,) = data.batch(run)
        np.testing.assert_array_equal(found, values[run[0]].reshape(shape))


def test_a_whole_input_beside_a_row(tmp_path: Path) -> None:
    inputs = [InputSpec(name="pcm", shape=(40,)), InputSpec(name="features", shape=(1, 3))]
    given = saved(tmp_path, pcm=np.zeros((5, 40), np.float32), features=np.zeros((5, 3), np.float32))
    assert [value.shape for value in open_dataset(given, inputs, "crop").batch((2,))] == [(40,), (1, 3)]


def test_batches_that_do_not_agree_are_refused(tmp_path: Path) -> None:
    inputs = [InputSpec(name="a", shape=(4, 3)), InputSpec(name="b", shape=(2, 3))]
    given = saved(tmp_path, a=np.zeros((8, 3), np.float32), b=np.zeros((8, 3), np.float32))
    with pytest.raises(UsageProblem, match="no common batch"):
        open_dataset(given, inputs, "crop")


def test_pictures_hold_whole_pixels(tmp_path: Path) -> None:
    """What a picture cannot hold is rounded, and beyond black and white cut off; pixels stay what they are."""
    spec = InputSpec(name="image", shape=(1, 3, 4, 4), image=IMAGE)
    values = np.random.default_rng(0).normal(0, 3, (2, 3, 4, 4)).astype(np.float32)
    data = open_dataset(saved(tmp_path, x=values), [spec], "crop")
    (found,) = as_pictures(data, [spec]).batch((0,))
    pixels = (found * 0.25 + 0.5) * 255
    np.testing.assert_allclose(pixels, np.clip(np.rint((values[:1] * 0.25 + 0.5) * 255), 0, 255), atol=1e-3)
    assert as_pictures(data, [spec]).digest != data.digest
    bytes_ = open_dataset(saved(tmp_path, x=np.full((2, 4, 4, 3), 9, np.uint8)), [spec], "crop")
    assert as_pictures(bytes_, [spec]) is bytes_
