"""Data comes in as the model was trained on it; what is wrong with it is said before anything is converted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.datasets.dataset import Dataset, check_labels
from exporter.datasets.images import denormalize, normalize
from exporter.datasets.open import open_dataset
from exporter.formats.coreml.examples import core_ml_features

RGB = InputSpec(
    name="image", shape=(1, 3, 16, 16), image=ImageSpec(mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3), color="RGB")
)
GRAY = InputSpec(name="image", shape=(1, 1, 8, 8), image=ImageSpec(mean=(0.3,), std=(0.4,), color="GRAY"))


def opened(given: object, spec: InputSpec = RGB, names: tuple[str, ...] = ()) -> Dataset:
    return open_dataset(str(given), [spec], "crop", names)


@given(st.integers(0, 255), st.sampled_from(["NCHW", "NHWC"]))
def test_pixels_survive_normalization(pixel: int, layout: str) -> None:
    spec = RGB.model_copy(update={"layout": layout})
    pixels = np.full((16, 16, 3), pixel, np.uint8)
    np.testing.assert_array_equal(denormalize(normalize(pixels, spec), spec), pixels)


def test_normalization_is_per_channel() -> None:
    values = normalize(np.full((16, 16, 3), 255, np.uint8), RGB)
    np.testing.assert_allclose(values[:, 0, 0], [3.0, 2.0, 4 / 3], rtol=1e-6)


def test_a_folder_takes_labels_from_its_class_folders(images: Path) -> None:
    data = opened(images)
    assert data.size == 12
    assert data.labels == (0,) * 6 + (1,) * 6
    assert data.batch([0, 1])[0].shape == (2, 3, 16, 16)
    assert opened(images, names=("class1", "class0")).labels == (1,) * 6 + (0,) * 6


def test_a_class_folder_without_images_is_a_note(tmp_path: Path) -> None:
    """No figure is of it, and the classes after it would be counted one less."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / "b" / "x.png")
    data = opened(tmp_path)
    assert data.labels == (0,)
    assert data.class_names == ("b",)
    (note,) = data.notes
    assert "no image in the class folders a" in note


def test_a_manifest_takes_its_own_labels(images: Path) -> None:
    data = opened(images / "labels.csv")
    assert data.labels == tuple(index % 5 for index in range(12))


def test_color_order_is_the_model_s(images: Path) -> None:
    bgr = RGB.model_copy(update={"image": ImageSpec(mean=(0, 0, 0), std=(1, 1, 1), color="BGR")})
    rgb = RGB.model_copy(update={"image": ImageSpec(mean=(0, 0, 0), std=(1, 1, 1), color="RGB")})
    np.testing.assert_array_equal(opened(images, bgr).read(0)[0], opened(images, rgb).read(0)[0][::-1])


def test_core_ml_gets_the_very_pixels(images: Path) -> None:
    """Protects the comparison with Core ML: its image input must see what the source saw."""
    for color in ("RGB", "BGR"):
        spec = RGB.model_copy(update={"image": ImageSpec(mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3), color=color)})
        data = opened(images, spec)
        picture = core_ml_features([spec], data.batch([3]), {"image"})["image"]
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(Image.open(data.paths[3])))


def test_larger_images_are_cropped_like_torchvision_does(tmp_path: Path) -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[16:48, 16:48] = 255
    Image.fromarray(pixels).save(tmp_path / "x.png")
    value = opened(tmp_path).read(0)[0]
    assert value.shape == (3, 16, 16)
    assert value[0, 8, 8] == pytest.approx(3.0)
    stretched = open_dataset(str(tmp_path), [RGB], "stretch").read(0)[0]
    assert (stretched[0] > 0).sum() < (value[0] > 0).sum()


def test_examples_are_spread_over_sorted_classes(images: Path) -> None:
    assert opened(images).spread(4) == [0, 3, 6, 9]
    assert opened(images).spread(100) == list(range(12))


def test_the_digest_follows_content_labels_and_preparation(images: Path, tmp_path: Path) -> None:
    before = opened(images).digest
    assert opened(images).digest == before
    assert opened(images / "labels.csv").digest != before
    other = RGB.model_copy(update={"image": ImageSpec(mean=(0, 0, 0), std=(1, 1, 1), color="RGB")})
    assert opened(images, other).digest != before
    assert open_dataset(str(images), [RGB], "stretch").digest != before


def test_arrays_by_input_name_or_as_x_and_y(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(128, dtype=np.uint8).reshape(2, 8, 8), y=[3, 4])
    data = opened(tmp_path / "a.npz", GRAY)
    assert data.labels == (3, 4)
    assert data.read(1)[0].shape == (1, 8, 8)
    tensor = InputSpec(name="ids", shape=(1, 4), dtype="int64")
    np.savez(tmp_path / "b.npz", ids=np.ones((3, 4), np.int32))
    assert opened(tmp_path / "b.npz", tensor).read(0)[0].dtype == np.int64


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"z": np.ones((2, 8, 8), np.uint8)}, "none for input image"),
        ({"x": np.ones((2, 9, 9), np.uint8)}, "have shape"),
        ({"x": np.ones((2, 8, 8), np.uint8), "y": [1]}, "same length"),
        ({"x": np.ones((0, 8, 8), np.uint8)}, "at least 1"),
        ({"x": np.full((2, 1, 8, 8), np.nan, np.float32)}, "NaN"),
    ],
)
def test_bad_arrays_are_refused(arrays: dict[str, Any], says: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UsageProblem, match=says):
        opened(tmp_path / "a.npz", GRAY)


def test_bad_folders_and_manifests_are_refused(tmp_path: Path) -> None:
    def problem(given: object) -> str:
        with pytest.raises(UsageProblem) as caught:
            opened(given)
        return str(caught.value)

    assert "no such file" in problem(tmp_path / "absent")
    assert "has no images" in problem(tmp_path)
    manifest = tmp_path / "labels.csv"
    manifest.write_text("a,b\n1,2\n")
    assert "path,label" in problem(manifest)
    manifest.write_text("path,label\nabsent.png,1\n")
    assert "1 of 1 images are not there" in problem(manifest)
    Image.new("RGB", (16, 16)).save(tmp_path / "x.png")
    manifest.write_text("path,label\nx.png,cat\n")
    assert "line 2: label 'cat'" in problem(manifest)
    manifest.write_text("path,label\nx.png,1,2\n")
    assert "too many or too few" in problem(manifest)
    manifest.write_bytes(b"path,label\n\xff,1\n")
    assert "cannot be read" in problem(manifest)
    (tmp_path / "x.txt").write_text("")
    assert "give a folder" in problem(tmp_path / "x.txt")


def test_a_corrupt_image_in_the_middle_is_named(tmp_path: Path) -> None:
    for index in range(3):
        Image.new("RGB", (16, 16)).save(tmp_path / f"{index}.png")
    broken = tmp_path / "1.png"
    broken.write_bytes(broken.read_bytes()[:40])
    data = opened(tmp_path)
    with pytest.raises(UsageProblem, match=r"1\.png cannot be decoded"):
        data.batch([0, 1, 2])


def test_labels_out_of_range_are_counted() -> None:
    with pytest.raises(UsageProblem, match=r"example 2 has label 5, but the model has 5 classes \(0 to 4\)\. 2 of 3"):
        check_labels([0, 5, -1], 5, "data")


def test_images_for_a_model_without_image_input_are_refused(images: Path) -> None:
    with pytest.raises(UsageProblem, match="holds images"):
        opened(images, InputSpec(name="ids", shape=(1, 4), dtype="int64"))
