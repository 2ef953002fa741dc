"""Pixels to model inputs, the way the model was trained: resize, crop, scale, normalize, order."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exporter.errors import UsageProblem
from exporter.heavy import load
from exporter.sources.description import ImageSpec, InputSpec

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"}

RESIZE_BEFORE_CROP = 256 / 224
"""The shorter side before a centre crop, relative to the crop (torchvision's classification presets)."""


def read_image(path: Path, spec: InputSpec, resize: Literal["crop", "stretch"]) -> NDArray[np.uint8]:
    """Decode an image to uint8 (height, width, channels) of the input's size, channels in the input's order.

    Raises:
        UsageProblem: not an image, or a damaged one.
    """
    assert spec.image is not None
    image_module = load("PIL.Image")
    try:
        with image_module.open(path) as opened:
            image = opened.convert("L" if spec.image.color == "GRAY" else "RGB")
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise UsageProblem(f"image {path} cannot be decoded: {error}. Remove it or replace it.") from error
    pixels = np.asarray(_resized(image, spec.height_width, resize, image_module))
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return np.asarray(pixels[:, :, ::-1] if spec.image.color == "BGR" else pixels, np.uint8)


def _resized(image: Any, height_width: tuple[int, int], resize: str, image_module: Any) -> Any:
    height, width = height_width
    if image.size == (width, height):
        return image
    bilinear = image_module.Resampling.BILINEAR
    if resize == "stretch":
        return image.resize((width, height), bilinear)
    scale = RESIZE_BEFORE_CROP * max(height / image.height, width / image.width)
    resized = image.resize((round(image.width * scale), round(image.height * scale)), bilinear)
    left, top = (resized.width - width) // 2, (resized.height - height) // 2
    return resized.crop((left, top, left + width, top + height))


def normalize(pixels: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.float32]:
    """``(pixel / 255 - mean) / std`` a channel, in the input's layout, without the batch.

    Args:
        pixels: uint8 (height, width, channels), channels in the input's order.
        spec: an image input.
    """
    mean, std = channel_constants(spec.image)
    values = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1)) if spec.layout == "NCHW" else values


def denormalize(values: NDArray[np.float32], spec: InputSpec) -> NDArray[np.uint8]:
    """The pixels that `normalize` makes `values` of; inverse of it up to rounding."""
    mean, std = channel_constants(spec.image)
    pixels = values.transpose(1, 2, 0) if spec.layout == "NCHW" else values
    return np.asarray(np.clip(np.rint((pixels * std + mean) * 255), 0, 255), np.uint8)


def channel_constants(image: ImageSpec | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and std as float32 arrays of one element a channel."""
    assert image is not None
    return np.asarray(image.mean, np.float32), np.asarray(image.std, np.float32)
