"""Where a pixel of the file lies in the input: boxes are judged by it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import CROP
from exporter.data.settings.task import Resize
from exporter.datasets.fitting import fit_to
from exporter.datasets.images import BARS, fit_of, read_image, upright_size
from tests.exporter.datasets.kinds.made import image_spec

BLOCK = 10
sides = st.integers(40, 140)
resizes = st.sampled_from(["crop", "stretch", "letterbox"])
STORED: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.T,
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].T,
    8: lambda upright: np.rot90(upright, -1),
}
"""How a camera stores what is seen, by its EXIF orientation."""


@settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
    deadline=None,
)
@given(
    sides, sides, sides, sides, resizes, st.sampled_from(sorted(STORED)), st.floats(0.25, 0.75), st.floats(0.25, 0.75)
)
def test_a_marked_pixel_lies_where_the_fit_says(
    tmp_path: Path,
    width: int,
    height: int,
    across: int,
    down: int,
    resize: Resize,
    orientation: int,
    x_share: float,
    y_share: float,
) -> None:
    """Protects every figure of boxes and points: a shift of a pixel is a loss of precision that no model made."""
    left, top = int(x_share * width - BLOCK / 2), int(y_share * height - BLOCK / 2)
    upright = np.zeros((height, width), np.uint8)
    upright[top : top + BLOCK, left : left + BLOCK] = 255
    path, exif = tmp_path / "marked.png", Image.Exif()
    exif[274] = orientation
    Image.fromarray(np.ascontiguousarray(STORED[orientation](upright))).save(path, exif=exif)
    spec = image_spec(down, across, "GRAY")
    shown = read_image(path, spec, resize)[:, :, 0].astype(float)
    fit = fit_of(path, spec, resize)
    assert (fit.width, fit.height) == (width, height)
    shown[shown == BARS] = 0
    rows, columns = np.mgrid[:down, :across] + 0.5
    # Where the whole mark can be seen, its centre of gravity is known to a fraction of a pixel.
    corners = np.array([[left, top], [left + BLOCK, top + BLOCK]]) * (fit.scale_x, fit.scale_y) + (fit.left, fit.top)
    margin = 1 + max(fit.scale_x, fit.scale_y)
    assume(corners.min() >= margin and (corners.max(0) <= np.array([across, down]) - margin).all())
    seen = np.array([(columns * shown).sum(), (rows * shown).sum()]) / shown.sum()
    found = fit.to_file(seen.astype(np.float32))
    error = np.abs(found - (left + BLOCK / 2, top + BLOCK / 2)) * (fit.scale_x, fit.scale_y)
    assert error.max() < 0.35


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 640), st.integers(1, 640))
def test_a_letterbox_shows_everything_in_the_middle(width: int, height: int, across: int, down: int) -> None:
    fit = fit_to((width, height), (across, down), "letterbox")
    inner = (width * fit.scale_x, height * fit.scale_y)
    for side, whole, start in zip(inner, (across, down), (fit.left, fit.top), strict=True):
        assert 0 <= start <= whole
        assert side + start <= whole + 0.51
        assert abs(2 * start + side - whole) <= 1.51
    assert any(abs(side - whole) < 1e-6 for side, whole in zip(inner, (across, down), strict=True))


def test_a_letterbox_has_gray_bars(tmp_path: Path) -> None:
    Image.fromarray(np.full((10, 20, 3), 200, np.uint8)).save(tmp_path / "x.png")
    shown = read_image(tmp_path / "x.png", image_spec(16, 16), "letterbox")
    assert (shown[:4] == BARS).all()
    assert (shown[4:12] == 200).all()
    assert (shown[12:] == BARS).all()


@pytest.mark.parametrize("kept", [CROP, 0.95, 1.0])
def test_the_crop_is_torchvision_s_or_timm_s(kept: float, tmp_path: Path) -> None:
    """Protects published accuracies, which are of this crop."""
    pixels = np.random.default_rng(0).integers(0, 256, (120, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    scale = 56 / 90 / kept
    resized = Image.fromarray(pixels).resize((round(90 * scale), round(120 * scale)), Image.Resampling.BILINEAR)
    left, top = (resized.width - 56) // 2, (resized.height - 56) // 2
    wanted = np.asarray(resized.crop((left, top, left + 56, top + 56)))
    spec = image_spec(56, 56)
    assert spec.image is not None
    spec = spec.model_copy(update={"image": spec.image.model_copy(update={"crop": kept})})
    np.testing.assert_array_equal(read_image(tmp_path / "x.png", spec, "crop"), wanted)


@pytest.mark.parametrize("reader", [upright_size, lambda path: fit_of(path, image_spec(), "stretch")])
def test_what_is_no_image_is_named(reader: Any, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"none")
    with pytest.raises(UsageProblem, match=r"x\.png cannot be decoded"):
        reader(tmp_path / "x.png")
