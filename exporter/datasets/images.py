"""Pixels to model inputs, the way the model was trained: resize, crop, scale, normalize, order."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.data.settings.model import ColorOrder
from exporter.data.settings.task import Resize
from exporter.datasets.fitting import Size, fit_into, placed
from exporter.datasets.truths import Fit
from exporter.execution.heavy import load

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"}

DECODING = 2
"""Raise it when images are decoded in another way: data with the same files are then other data."""

ORIENTATION = 274
"""EXIF tag (TIFF 6.0, "Orientation")."""

_ON_ITS_SIDE = (5, 6, 7, 8)

BARS = 114
"""Gray of the bars beside a letterboxed image, with which ultralytics trains."""

MOST_16_BITS = 65535


def read_image(path: Path, spec: InputSpec, resize: Resize, stored: bytes | None = None) -> NDArray[np.uint8]:
    """Decode an image to uint8 (height, width, channels) of the input's size, channels in the input's order.

    It is turned as its EXIF orientation says, which phones, browsers and Core ML do and torchvision does not. Pixels of
    16 bits are scaled to 8; transparency is left out, as torchvision leaves it out.

    Args:
        path: of the file; the image's name where it is `stored` elsewhere.
        stored: the bytes of the file.

    Raises:
        UsageProblem: not an image, or a damaged one.
    """
    assert spec.image is not None
    image = decoded(path, "L" if spec.image.color == "GRAY" else "RGB", stored)
    height, width = spec.height_width
    fit = fit_into(image.size, spec, resize)
    resampling = (spec.image.interpolation or "bilinear").upper()
    pixels = np.asarray(placed(image, fit, (width, height), resampling, BARS))
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return np.asarray(pixels[:, :, ::-1] if spec.image.color == "BGR" else pixels, np.uint8)


def decoded(path: Path, mode: str, stored: bytes | None = None) -> Any:
    """The image of PIL, upright, in the mode ``L`` or ``RGB``; as `read_image`."""
    with opened_image(path, stored) as opened:
        upright = load("PIL.ImageOps").exif_transpose(opened)
        return _in_8_bits(upright, load("PIL.Image")).convert(mode)


@contextmanager
def opened_image(path: Path, stored: bytes | None = None) -> Iterator[Any]:
    """The image of PIL as it lies in the file, not decoded yet.

    Raises:
        UsageProblem: not an image, or a damaged one, also while it is used.
    """
    image_module = load("PIL.Image")
    try:
        with image_module.open(path if stored is None else io.BytesIO(stored)) as opened:
            yield opened
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise UsageProblem(f"image {path} cannot be decoded: {error}. Remove it or replace it.") from error


def is_turned(path: Path) -> bool:
    """Whether an image's EXIF data turns or mirrors it; False where it has none, or is no image."""
    image_module = load("PIL.Image")
    try:
        with image_module.open(path) as opened:
            return opened.getexif().get(ORIENTATION, 1) not in (0, 1)
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError):
        return False  # whoever decodes it says what is wrong with it


def upright_size(path: Path, stored: bytes | None = None) -> Size:
    """Width and height of an image turned as its EXIF orientation says, from its header alone.

    Raises:
        UsageProblem: not an image.
    """
    with opened_image(path, stored) as opened:
        on_its_side = opened.getexif().get(ORIENTATION, 1) in _ON_ITS_SIDE
        width, height = opened.size
    return (height, width) if on_its_side else (width, height)


def fit_of(path: Path, spec: InputSpec, resize: Resize, stored: bytes | None = None) -> Fit:
    """How the pixels of an image, turned as its EXIF orientation says, become those of the input."""
    return fit_into(upright_size(path, stored), spec, resize)


def _in_8_bits(image: Any, image_module: Any) -> Any:
    """`image` in a mode of 8 bits a channel that PIL converts to every other.

    Raises:
        ValueError: its range of values cannot be known.
    """
    if image.mode in ("RGBa", "La", "P", "PA"):
        return image.convert({"RGBa": "RGBA", "La": "LA"}.get(image.mode, "RGBA"))
    if image.mode != "F" and image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image).astype(np.float64)
    least, most = float(values.min()), float(values.max())
    if not least >= 0 or not most <= (MOST_16_BITS if image.mode != "F" else 255):
        raise ValueError(f"its pixels go from {least:g} to {most:g}, which is no range of 8, 16 bits or 0 to 1")
    whole = MOST_16_BITS if image.mode != "F" else 1 if most <= 1 else 255
    return image_module.fromarray(np.rint(values * 255 / whole).astype(np.uint8), "L")


def normalize(pixels: NDArray[np.uint8], spec: InputSpec) -> NDArray[Any]:
    """``(pixel / 255 - mean) / std`` a channel in float32, in the input's layout, without the batch.

    An input of uint8 takes the pixels as they are.

    Args:
        pixels: uint8 (height, width, channels), channels in the input's order.
        spec: an image input.
    """
    if spec.dtype == "uint8":
        values: NDArray[Any] = pixels
    else:
        mean, std = channel_constants(spec.image)
        values = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1)) if spec.layout == "NCHW" else values


def denormalize(values: NDArray[np.float32], spec: InputSpec) -> NDArray[np.uint8]:
    """The pixels that `normalize` makes `values` of; inverse of it up to rounding."""
    mean, std = channel_constants(spec.image)
    pixels = values.transpose(1, 2, 0) if spec.layout == "NCHW" else values
    if spec.dtype == "uint8":
        return np.asarray(pixels, np.uint8)
    return np.asarray(np.clip(np.rint((pixels * std + mean) * 255), 0, 255), np.uint8)


def pixels_of(batch: NDArray[Any], spec: InputSpec, color: ColorOrder | None = None) -> NDArray[np.uint8]:
    """The bytes of a batch as an image input can hold it, in the source's layout.

    Args:
        batch: as the source takes it.
        color: order of the channels that are given; None for the source's own.
    """
    assert spec.image is not None
    pixels = np.stack([denormalize(item, spec) for item in batch])
    if color not in (None, spec.image.color):
        pixels = pixels[..., ::-1]
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 1) if spec.layout == "NCHW" else pixels)


def whole_pixels(batch: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    """A batch as an image input can hold it: the nearest values that `normalize` makes of pixels."""
    return np.stack([normalize(denormalize(item, spec), spec) for item in batch])


def channel_constants(image: ImageSpec | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and std as float32 arrays of one element a channel."""
    assert image is not None
    return np.asarray(image.mean, np.float32), np.asarray(image.std, np.float32)
