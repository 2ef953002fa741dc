"""Golden pictures: of the data, and made up ones of other sizes, so that a wrong resize shows."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import InputSpec
from exporter.data.settings.task import Resize
from exporter.datasets.dataset import Dataset
from exporter.datasets.fitting import fit_into, placed
from exporter.datasets.images import BARS, decoded, denormalize
from exporter.execution.heavy import load

TIMES = 2
"""Pictures of the data are made at most so many times as large as the input, which keeps the folder small."""

DRAWN = ((1.6, 1.25), (1.1, 1.9))
"""Width and height of made up pictures, as shares of the input's: one lies, one stands."""


def picture_of(data: Dataset, index: int, spec: InputSpec) -> Any:
    """Example `index` as an RGB image of PIL: of its file, else of the pixels that the input was made of."""
    if not data.paths:
        pixels = denormalize(data.read(index)[0], spec)
        assert spec.image is not None
        pixels = pixels[:, :, ::-1] if spec.image.color == "BGR" else pixels
        return rgb_image(np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels)
    image = decoded(data.paths[index], "RGB")
    limit = TIMES * max(spec.height_width)
    image.thumbnail((limit, limit))
    return image


def drawn_picture(place: int, spec: InputSpec) -> Any:
    """A picture of soft colours and fine noise, the same whenever it is asked for, of another size than the input."""
    height, width = spec.height_width
    wide, high = DRAWN[place]
    size = (round(width * wide) + 1, round(height * high) + 1)
    random = np.random.default_rng(place)
    soft = rgb_image(random.integers(0, 256, (5, 5, 3), np.uint8)).resize(size, load("PIL.Image").Resampling.BICUBIC)
    noise = random.integers(-24, 25, (size[1], size[0], 3))
    return rgb_image(np.clip(np.asarray(soft, np.int64) + noise, 0, 255).astype(np.uint8))


def fitted(image: Any, spec: InputSpec, resize: Resize) -> NDArray[np.uint8]:
    """As `read_image`, with the order of passes fixed: first every row, then every column.

    Pillow 13 begins with the columns of some pictures, which differs by one level of 255 here and there; golden files
    are the same whatever made them, and apps need one order.
    """
    assert spec.image is not None
    height, width = spec.height_width
    plain = image.convert("L" if spec.image.color == "GRAY" else "RGB")
    fit = fit_into(image.size, spec, resize)
    name = (spec.image.interpolation or "bilinear").upper()
    resampling = load("PIL.Image").Resampling[name]
    inner = (round(fit.width * fit.scale_x), round(fit.height * fit.scale_y))
    resized = plain.resize((inner[0], image.size[1]), resampling).resize(inner, resampling)
    pixels = np.asarray(placed(resized, fit, (width, height), name, BARS))
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return np.asarray(pixels[:, :, ::-1] if spec.image.color == "BGR" else pixels, np.uint8)


def rgb_image(pixels: NDArray[Any]) -> Any:
    """The image of PIL with these pixels, (height, width, 3)."""
    return load("PIL.Image").fromarray(np.ascontiguousarray(pixels))


def save_picture(image: Any, folder: Path) -> None:
    """`picture.png`, without any colour profile, and its bytes as ``pixels.npy``."""
    image.save(folder / "picture.png")
    np.save(folder / "pixels.npy", np.asarray(image, np.uint8))
