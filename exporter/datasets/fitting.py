"""How images of any size are fitted into the input's, and everything that lies on them likewise."""

from typing import Any

from exporter.data.facts.source import CROP, InputSpec
from exporter.data.settings.task import Resize
from exporter.datasets.truths import Fit
from exporter.execution.heavy import load

Size = tuple[int, int]
"""Width and height."""


def fit_to(size: Size, within: Size, resize: Resize, crop: float = CROP) -> Fit:
    """How an image of one size, turned as its EXIF orientation says, becomes one of another.

    Args:
        crop: share of the shorter side that a centre crop keeps.
    """
    if size == within:
        return Fit(*size)
    if resize == "letterbox":
        return fit_within(size, within)
    if resize == "stretch":
        return Fit(*size, within[0] / size[0], within[1] / size[1])
    scale = max(within[1] / size[1], within[0] / size[0]) / crop
    across, down = round(size[0] * scale), round(size[1] * scale)
    left, top = (across - within[0]) // 2, (down - within[1]) // 2
    return Fit(*size, across / size[0], down / size[1], -left, -top)


def fit_into(size: Size, spec: InputSpec, resize: Resize) -> Fit:
    """How an image becomes an image input."""
    assert spec.image is not None
    height, width = spec.height_width
    return fit_to(size, (width, height), resize, spec.image.crop)


def fit_within(size: Size, within: Size) -> Fit:
    """The largest that fits whole, in the middle (ultralytics ``LetterBox``)."""
    scale = min(within[0] / size[0], within[1] / size[1])
    across, down = (max(1, round(side * scale)) for side in size)
    left, top = (round((free - inner) / 2 - 0.1) for free, inner in zip(within, (across, down), strict=True))
    return Fit(*size, across / size[0], down / size[1], left, top)


def placed(image: Any, fit: Fit, size: Size, resampling: str, fill: float, times: int = 1) -> Any:
    """An image where `fit` puts it.

    Args:
        image: of PIL, `times` as large as the file that `fit` is of.
        size: of the result, before it is taken so many times.
        resampling: PIL's name of it; ``NEAREST`` for what must not be mixed.
        fill: of what it does not cover, in every channel.
    """
    image_module = load("PIL.Image")
    inner = (round(fit.width * fit.scale_x) * times, round(fit.height * fit.scale_y) * times)
    whole = (size[0] * times, size[1] * times)
    resized = image if image.size == inner else image.resize(inner, image_module.Resampling[resampling])
    if inner == whole:
        return resized
    bands = len(image.getbands())
    canvas = image_module.new(image.mode, whole, fill if bands == 1 else (fill,) * bands)
    canvas.paste(resized, (round(fit.left) * times, round(fit.top) * times))
    return canvas
