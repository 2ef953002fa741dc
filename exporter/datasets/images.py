"""Pixels to model inputs, the way the model was trained: resize, crop, scale, normalize, order."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import ImageSpec, InputSpec
from exporter.data.settings.task import Resize
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


def read_image(path: Path, spec: InputSpec, resize: Resize) -> NDArray[np.uint8]:
    """Decode an image to uint8 (height, width, channels) of the input's size, channels in the input's order.

    It is turned as its EXIF orientation says, which phones, browsers and Core ML do and torchvision does not. Pixels of
    16 bits are scaled to 8; transparency is left out, as torchvision leaves it out.

    Raises:
        UsageProblem: not an image, or a damaged one.
    """
    assert spec.image is not None
    image_module = load("PIL.Image")
    try:
        with image_module.open(path) as opened:
            upright = load("PIL.ImageOps").exif_transpose(opened)
            image = _in_8_bits(upright, image_module).convert("L" if spec.image.color == "GRAY" else "RGB")
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise UsageProblem(f"image {path} cannot be decoded: {error}. Remove it or replace it.") from error
    pixels = np.asarray(_resized(image, spec.height_width, resize, spec.image.crop, image_module))
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return np.asarray(pixels[:, :, ::-1] if spec.image.color == "BGR" else pixels, np.uint8)


def is_turned(path: Path) -> bool:
    """Whether an image's EXIF data turns or mirrors it; False where it has none, or is no image."""
    image_module = load("PIL.Image")
    try:
        with image_module.open(path) as opened:
            return opened.getexif().get(ORIENTATION, 1) not in (0, 1)
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError):
        return False  # whoever decodes it says what is wrong with it


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


def _resized(image: Any, height_width: tuple[int, int], resize: str, crop: float, image_module: Any) -> Any:
    height, width = height_width
    if image.size == (width, height):
        return image
    bilinear = image_module.Resampling.BILINEAR
    if resize == "stretch":
        return image.resize((width, height), bilinear)
    if resize == "letterbox":
        return _letterboxed(image, fit_within(image.size, (width, height)), (width, height), image_module)
    scale = max(height / image.height, width / image.width) / crop
    resized = image.resize((round(image.width * scale), round(image.height * scale)), bilinear)
    left, top = (resized.width - width) // 2, (resized.height - height) // 2
    return resized.crop((left, top, left + width, top + height))


def _letterboxed(image: Any, fit: Fit, size: tuple[int, int], image_module: Any) -> Any:
    """The whole image, with bars of `BARS` at both sides."""
    inner = (round(image.width * fit.scale_x), round(image.height * fit.scale_y))
    boxed = image_module.new(image.mode, size, BARS if image.mode == "L" else (BARS,) * 3)
    boxed.paste(image.resize(inner, image_module.Resampling.BILINEAR), (round(fit.left), round(fit.top)))
    return boxed


def fit_of(path: Path, spec: InputSpec, resize: Resize) -> Fit:
    """How the pixels of an image, turned as its EXIF orientation says, become those of the input."""
    image_module = load("PIL.Image")
    with image_module.open(path) as opened:
        turned = opened.getexif().get(ORIENTATION, 1) in _ON_ITS_SIDE
        size = (opened.height, opened.width) if turned else opened.size
    height, width = spec.height_width
    if size == (width, height):
        return Fit(width, height)
    if resize == "letterbox":
        return fit_within(size, (width, height))
    if resize == "stretch":
        return Fit(size[0], size[1], width / size[0], height / size[1])
    assert spec.image is not None
    scale = max(height / size[1], width / size[0]) / spec.image.crop
    across, down = round(size[0] * scale), round(size[1] * scale)
    return Fit(size[0], size[1], across / size[0], down / size[1], -((across - width) // 2), -((down - height) // 2))


def fit_within(size: tuple[int, int], within: tuple[int, int]) -> Fit:
    """The largest that fits whole, in the middle; sizes are width and height (ultralytics ``LetterBox``)."""
    scale = min(within[0] / size[0], within[1] / size[1])
    across, down = round(size[0] * scale), round(size[1] * scale)
    left, top = (round((free - inner) / 2 - 0.1) for free, inner in zip(within, (across, down), strict=True))
    return Fit(size[0], size[1], across / size[0], down / size[1], left, top)


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


def whole_pixels(batch: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    """A batch as an image input can hold it: the nearest values that `normalize` makes of pixels."""
    return np.stack([normalize(denormalize(item, spec), spec) for item in batch])


def channel_constants(image: ImageSpec | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and std as float32 arrays of one element a channel."""
    assert image is not None
    return np.asarray(image.mean, np.float32), np.asarray(image.std, np.float32)
