"""Pictures that people have: turned by EXIF, of 16 bits, with palettes, transparency and inks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.datasets.checks import calibration_warnings, turned_note
from exporter.datasets.images import read_image
from exporter.datasets.open import open_dataset


def spec(height: int, width: int, channels: int = 3, **more: Any) -> InputSpec:
    color = "RGB" if channels == 3 else "GRAY"
    image = ImageSpec(mean=(0.0,) * channels, std=(1.0,) * channels, color=color)
    return InputSpec(name="image", shape=(1, channels, height, width), image=image, **more)


CORNERS = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
TURNED: dict[int, NDArray[Any]] = {
    1: CORNERS,
    2: CORNERS[:, ::-1],
    3: CORNERS[::-1, ::-1],
    4: CORNERS[::-1],
    5: CORNERS.T,
    6: np.rot90(CORNERS, -1),
    7: CORNERS[::-1, ::-1].T,
    8: np.rot90(CORNERS),
}
"""What each EXIF orientation shows of stored pixels (TIFF 6.0: 6 is to be turned clockwise by a quarter)."""


@pytest.mark.parametrize("orientation", TURNED)
def test_exif_turns_as_phones_do(orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(CORNERS).save(path, exif=exif)
    wanted = TURNED[orientation]
    found = read_image(path, spec(wanted.shape[0], wanted.shape[1], 1), "crop")[:, :, 0]
    np.testing.assert_array_equal(found, wanted)


def test_turned_images_are_said_once(tmp_path: Path) -> None:
    for name, orientation in (("a", 1), ("b", 6), ("c", 3)):
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(CORNERS).save(tmp_path / f"{name}.png", exif=exif)
    (note,) = turned_note(open_dataset(str(tmp_path), [spec(2, 3, 1)], "crop"))
    assert "2 of 3 images" in note
    assert "EXIF" in note


@pytest.mark.parametrize("value", [0, 1, 127, 128, 254, 255])
@pytest.mark.parametrize("form", ["png16", "tiff16", "tiff16big", "pgm16", "tiff32", "float255", "float1"])
def test_deeper_pixels_are_scaled_to_8_bits(form: str, value: int, tmp_path: Path) -> None:
    """Protects the mean: 16-bit pictures became white. 8-bit v is 257 v of 65535, and v / 255 of 1."""
    deep = np.full((4, 4), value * 257, np.uint16)
    deep[0, 0] = 65535  # a picture of dark floats alone would be one of 0 to 1
    path = tmp_path / f"deep.{'png' if form == 'png16' else 'pgm' if form == 'pgm16' else 'tif'}"
    if form == "tiff16big":
        Image.frombytes("I;16B", (4, 4), deep.astype(">u2").tobytes()).save(path)
    elif form == "tiff32":
        Image.fromarray(deep.astype(np.int32), "I").save(path)
    elif form.startswith("float"):
        whole = 255 if form == "float255" else 1
        Image.fromarray((deep / 65535 * whole).astype(np.float32), "F").save(path)
    else:
        Image.fromarray(deep).save(path)
    found = read_image(path, spec(4, 4, 1), "crop")
    assert found[0, 0, 0] == 255
    assert set(found.reshape(-1)[1:].tolist()) == {value}
    colored = read_image(path, spec(4, 4), "crop")
    assert set(colored[1:].reshape(-1).tolist()) == {value}


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "RGBX"])
def test_every_mode_becomes_its_colours(mode: str, tmp_path: Path) -> None:
    """A white and a black half stay white and black; transparency is left out."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:4] = 255
    picture = Image.fromarray(pixels)
    via = {"PA": "LA", "La": "LA", "RGBa": "RGBA"}.get(mode)
    picture = (
        picture.convert(via).convert(mode) if via and mode != "PA" else picture.convert(mode if mode != "PA" else "P")
    )
    path = tmp_path / "x.tif"
    kept = picture if mode not in ("La", "RGBa") else picture.convert(via)
    kept.save(path)
    found = read_image(path, spec(8, 8), "crop")
    assert found[:4].min() >= 250
    assert found[4:].max() <= 5


def test_transparent_palettes_keep_their_colours(tmp_path: Path) -> None:
    picture = Image.fromarray(np.full((4, 4, 4), (10, 200, 30, 128), np.uint8), "RGBA").quantize(4)
    picture.save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png", spec(4, 4), "crop")[0, 0].tolist() == [10, 200, 30]


@pytest.mark.parametrize("values", [[-1.0, 5.0], [0.0, 300.0], [float("nan"), 1.0]])
def test_pixels_of_no_known_range_are_refused(values: list[float], tmp_path: Path) -> None:
    Image.fromarray(np.array([values], np.float32), "F").save(tmp_path / "odd.tif")
    with pytest.raises(UsageProblem, match=r"odd\.tif cannot be decoded: its pixels go from"):
        read_image(tmp_path / "odd.tif", spec(1, 2, 1), "crop")


def test_uint8_inputs_take_pixels_as_they_are(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
    np.savez(tmp_path / "d.npz", x=pixels)
    first = open_dataset(str(tmp_path / "d.npz"), [spec(4, 6, dtype="uint8")], "crop").read(2)[0]
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, pixels[2].transpose(2, 0, 1))


def warned(folder: Path, array: NDArray[Any], of: InputSpec | None = None) -> list[str]:
    """What is said of calibration by `array`."""
    of = of or InputSpec(name="x", shape=(1, *array.shape[1:]))
    np.savez(folder / "d.npz", allow_pickle=False, **{of.name: array})
    data = open_dataset(str(folder / "d.npz"), [of], "crop")
    return [*data.notes, *calibration_warnings(data, [of], 100)]


NORMAL = np.random.default_rng(1).standard_normal((10, 3, 4, 4)).astype(np.float32)
UNIFORM = np.random.default_rng(2).random((10, 3, 4, 4)).astype(np.float32)


def some_constant() -> NDArray[np.float32]:
    values = NORMAL.copy()
    values[:3] = 2
    return values


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((4, 8), np.float32), "input x is zero everywhere in all 4 examples"),
        (np.full((4, 8), 3.5, np.float32), "input x is 3.5 everywhere in all 4 examples"),
        (np.repeat(NORMAL[:1], 4, axis=0), "input x is the same in all 4 examples"),
        (some_constant(), "input x has one value alone in 3 of 10 examples"),
        (NORMAL.clip(-0.3, 0.3), "input x is saturated"),
        (np.arange(40).reshape(5, 8), "input x takes float32, the data holds int64"),
    ],
)
def test_data_that_calibrates_nothing_is_a_warning_that_names_the_input(
    array: NDArray[Any], says: str, tmp_path: Path
) -> None:
    assert says in " ".join(warned(tmp_path, array))


@pytest.mark.parametrize(
    "array", [NORMAL, NORMAL.clip(0, None), np.eye(8, dtype=np.float32), (NORMAL > 0).astype(np.float32)]
)
def test_ordinary_data_is_not_warned_of(array: NDArray[Any], tmp_path: Path) -> None:
    """Protects warnings from being read past: one-hot, sparse and binary inputs are as they should be."""
    assert warned(tmp_path, array) == []


def test_images_outside_of_their_normalization_are_a_warning(tmp_path: Path) -> None:
    assert warned(tmp_path, UNIFORM, spec(4, 4)) == []
    assert "goes from" in warned(tmp_path, 255 * UNIFORM, spec(4, 4))[0]
    assert "--mean and --std" in warned(tmp_path, NORMAL, spec(4, 4))[0]


def test_saturated_images_are_a_warning(tmp_path: Path) -> None:
    black = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    assert warned(tmp_path, black, spec(8, 8)) == []
    black[:, :6] = 255
    assert "75% of its pixels are 0 or 255" in warned(tmp_path, black, spec(8, 8))[0]


def test_fractions_for_integers_are_refused(tmp_path: Path) -> None:
    """Protects token ids: 1.7 became 1 without a word."""
    ids = InputSpec(name="ids", shape=(1, 2), dtype="int64")
    assert warned(tmp_path, np.array([[1.0, 2.0], [3.0, 4.0]]), ids) == []
    with pytest.raises(UsageProblem, match="ids takes int64; its values have fractions"):
        warned(tmp_path, np.array([[1.7, 2.0]]), ids)


def test_folders_of_which_some_are_classes_are_refused(tmp_path: Path) -> None:
    """Protects labels: the folders' order was taken for the classes' where one name was not the model's."""
    for name in ("cat", "dgo"):
        (tmp_path / name).mkdir()
        Image.fromarray(CORNERS).save(tmp_path / name / "a.png")
    with pytest.raises(UsageProblem, match="folders dgo are no classes of the model"):
        open_dataset(str(tmp_path), [spec(2, 3, 1)], "crop", ("bird", "cat", "dog"))
    assert open_dataset(str(tmp_path), [spec(2, 3, 1)], "crop", ("a", "b")).labels == (0, 1)
