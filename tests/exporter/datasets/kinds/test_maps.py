"""Masks, depths and targets lie on the input as the image does, pixel for pixel."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from exporter.data.errors import UsageProblem
from exporter.data.settings.task import Resize
from exporter.tasks.segmentation.settings import Segmentation
from tests.exporter.datasets.kinds.made import HEIGHT, WIDTH, depth, image_spec, masks, opened, pairs, write_images

SIDE = 32


def halves(folder: Path, name: str, left: Any, right: Any, dtype: Any) -> Path:
    """A map whose halves are of two values."""
    values = np.full((HEIGHT, WIDTH), left, dtype)
    values[:, WIDTH // 2 :] = right
    folder.mkdir(exist_ok=True)
    Image.fromarray(values).save(folder / name)
    return folder.parent


@pytest.mark.parametrize("resize", ["crop", "stretch", "letterbox"])
def test_a_mask_is_fitted_as_its_image(resize: Resize, tmp_path: Path) -> None:
    """Protects mIoU: an image of the very same halves must change its color where the mask changes its class."""
    halves(tmp_path / "images", "x.png", 0, 200, np.uint8)
    given = halves(tmp_path / "masks", "x.png", 3, 7, np.uint8)
    data = opened(given, "classes_map", (image_spec(SIDE, SIDE, "GRAY"),), resize=resize)
    assert data.truths is not None
    mask, image = data.truths(0), data.read(0)[0][0]
    assert mask.shape == image.shape == (SIDE, SIDE)
    assert set(np.unique(mask)) == {3, 7} | ({255} if resize == "letterbox" else set())
    assert ((image > 99 / 255) == (mask == 7))[mask != 255].all()


def test_classes_are_palette_indices_and_bits(tmp_path: Path) -> None:
    given = masks(tmp_path)
    palette = Image.fromarray(np.full((HEIGHT, WIDTH), 5, np.uint8), "P")
    palette.putpalette([0] * 15 + [255, 0, 0])
    palette.save(tmp_path / "masks" / "0.png")
    Image.new("1", (WIDTH, HEIGHT), 1).save(tmp_path / "masks" / "1.png")
    Image.fromarray(np.full((HEIGHT, WIDTH), 1000, np.uint16)).save(tmp_path / "masks" / "2.png")
    data = opened(given, "classes_map")
    assert data.truths is not None
    assert [int(data.truths(index).max()) for index in range(3)] == [5, 1, 1000]


def test_classes_beyond_the_names_are_refused_and_what_does_not_count_is_not(tmp_path: Path) -> None:
    given = masks(tmp_path, said=3)
    data = opened(given, "classes_map", names=("a", "b"))
    assert data.truths is not None
    with pytest.raises(UsageProblem, match=r"masks/0\.png has the class 4; the model has 2, and 255 does not count"):
        data.truths(0)
    ignoring = opened(given, "classes_map", names=("a", "b"), settings={"task": Segmentation(ignore=4)})
    assert ignoring.truths is not None
    assert set(np.unique(ignoring.truths(0))) == {0, 4}


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (Image.new("RGB", (WIDTH, HEIGHT)), "is a mask in RGB"),
        (Image.new("L", (9, 9)), r"masks/0\.png is 9x9; its image 0\.png.* is 24x18"),
    ],
)
def test_masks_that_are_none(image: Image.Image, says: str, tmp_path: Path) -> None:
    given = masks(tmp_path)
    image.save(tmp_path / "masks" / "0.png")
    data = opened(given, "classes_map")
    assert data.truths is not None
    with pytest.raises(UsageProblem, match=says):
        data.truths(0)


@pytest.mark.parametrize(("write", "truth", "other"), [(masks, "classes_map", "masks"), (depth, "depth", "depth")])
def test_an_image_without_its_map_is_named(write: Any, truth: str, other: str, tmp_path: Path) -> None:
    given = write(tmp_path)
    next((tmp_path / other).glob("1.*")).unlink()
    with pytest.raises(UsageProblem, match=rf"1 of 3 images have no file of their name in {other}/.*1\.png"):
        opened(given, truth)


def test_depths_are_in_the_unit_of_the_outputs(tmp_path: Path) -> None:
    given = depth(tmp_path)
    data = opened(given, "depth", (image_spec(HEIGHT, WIDTH),))
    assert data.truths is not None
    assert data.truths(0) == pytest.approx(2.5)
    assert np.isnan(data.truths(1)[0, 0])  # 0 is not known
    assert data.truths(1)[0, 1] == pytest.approx(1.5)
    scaled = opened(given, "depth", (image_spec(HEIGHT, WIDTH),), settings={"depth_scale": 1 / 256})
    assert scaled.truths is not None
    assert scaled.truths(1)[0, 1] == pytest.approx(1500 / 256)
    assert scaled.digest != data.digest


def test_depths_are_not_mixed_and_bars_have_none(tmp_path: Path) -> None:
    write_images(tmp_path / "images", count=1)
    given = halves(tmp_path / "depth", "0.png", 1000, 9000, np.uint16)
    data = opened(given, "depth", (image_spec(SIDE, SIDE),), resize="letterbox")
    assert data.truths is not None
    found = data.truths(0)
    assert set(np.unique(found[np.isfinite(found)])) == {np.float32(1), np.float32(9)}
    assert np.isnan(found[0]).all()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("0.npy", b"none", "cannot be read"),
        ("0.npy", np.zeros((2, 3, 4)), r"has the shape \[2, 3, 4\]"),
        ("0.npy", np.zeros((4, 4)), r"0\.npy is 4x4"),
        ("1.png", Image.new("RGB", (WIDTH, HEIGHT)), "is an image in RGB"),
        ("1.png", b"none", "cannot be decoded"),
    ],
)
def test_depths_that_are_none(name: str, content: Any, says: str, tmp_path: Path) -> None:
    given = depth(tmp_path)
    path = tmp_path / "depth" / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, Image.Image):
        content.save(path)
    else:
        np.save(path, content)
    data = opened(given, "depth")
    assert data.truths is not None
    with pytest.raises(UsageProblem, match=says):
        data.truths(int(name[0]))


@pytest.mark.parametrize("color", ["RGB", "BGR"])
def test_targets_are_as_many_times_as_large_as_their_files_are(color: str, tmp_path: Path) -> None:
    """Protects PSNR: a target that is shifted by a pixel is a bad score for a perfect model."""
    data = opened(pairs(tmp_path), "image", (image_spec(HEIGHT, WIDTH, color),))
    assert data.truths is not None
    target, shown = data.truths(1), data.read(1)[0].transpose(1, 2, 0)
    assert target.shape == (2 * HEIGHT, 2 * WIDTH, 3)
    repeated = shown.repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(target[1:], repeated[1:], atol=1e-6)


@pytest.mark.parametrize("resize", ["crop", "stretch", "letterbox"])
def test_targets_are_fitted_as_their_inputs(resize: Resize, tmp_path: Path) -> None:
    data = opened(pairs(tmp_path), "image", (image_spec(20, 28),), resize=resize)
    assert data.truths is not None
    assert data.truths(0).shape == (40, 56, 3)


def test_targets_of_odd_sizes_are_refused(tmp_path: Path) -> None:
    given = pairs(tmp_path)
    Image.new("RGB", (WIDTH + 5, HEIGHT)).save(tmp_path / "targets" / "1.png")
    data = opened(given, "image")
    assert data.truths is not None
    with pytest.raises(UsageProblem, match=r"1\.png is 29x18, not a whole number of times"):
        data.truths(1)
