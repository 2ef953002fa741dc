"""What a person should know of data before artifacts are made and judged by it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import InputSpec
from exporter.datasets.dataset import Dataset
from exporter.datasets.images import channel_constants, denormalize, is_turned

MOST_LOOKED_AT = 200
"""Examples of a dataset whose files are looked at for how they lie, evenly spread."""

SATURATED_IMAGE = 0.5
SATURATED_GRAY = 0.9
SATURATED = 0.25
"""Share of an input's values at the ends of their range from which data counts as saturated; images have black and
white of their own, writing on a plain ground most of all."""

BEYOND = 0.02
"""Share of the range that normalization gives by which values may lie outside of it: resizing overshoots."""


@dataclass
class _Seen:
    """What was seen of one input's values."""

    least: float = float("inf")
    most: float = float("-inf")
    constant: int = 0
    at_ends: dict[float, int] = field(default_factory=dict)
    values: int = 0
    digests: set[str] = field(default_factory=set)

    def add(self, value: NDArray[Any], spec: InputSpec) -> None:
        low, high = float(value.min()), float(value.max())
        self.least, self.most = min(self.least, low), max(self.most, high)
        self.constant += low == high
        # Of images the pixels count: white is another value in each channel that was normalized.
        judged, ends = (denormalize(value, spec), {0.0, 255.0}) if spec.image else (value, {low, high})
        for end in ends:
            self.at_ends[end] = self.at_ends.get(end, 0) + int((judged == end).sum())
        self.values += value.size
        self.digests.add(hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest())


def calibration_warnings(data: Dataset, inputs: Sequence[InputSpec], most: int) -> list[str]:
    """Warnings about data that ranges would be taken from, each naming its input.

    Args:
        data: what calibrates.
        inputs: of the model.
        most: at most so many examples calibrate.
    """
    indices = data.spread(most)
    seen = [_Seen() for _ in inputs]
    for index in indices:
        for spec, found, value in zip(inputs, seen, data.read(index), strict=True):
            if value.size:
                found.add(value, spec)
    return [
        f"calibration data {data.name}: input {spec.name} {words}"
        for spec, found in zip(inputs, seen, strict=True)
        for words in _words(spec, found, len(indices))
        if found.values
    ]


def turned_note(data: Dataset) -> list[str]:
    """A note when images are turned by their EXIF data."""
    looked_at = [data.paths[index] for index in data.spread(MOST_LOOKED_AT)] if data.paths else []
    turned = sum(map(is_turned, looked_at))
    if not turned:
        return []
    return [
        f"data {data.name}: {turned} of {len(looked_at)} images looked at are turned as their EXIF orientation says, "
        "as phones turn them; torchvision's loaders do not"
    ]


def _words(spec: InputSpec, found: _Seen, count: int) -> list[str]:
    if found.least == found.most:
        what = "is zero" if found.most == 0 else f"is {found.most:g}"
        return [f"{what} everywhere in all {count} examples; ranges of it mean nothing"]
    said = []
    if count > 1 and len(found.digests) == 1:
        said.append(f"is the same in all {count} examples; give different ones")
    elif found.constant:
        said.append(f"has one value alone in {found.constant} of {count} examples")
    return said + (_outside(spec, found) or _saturation(spec, found))


def _saturation(spec: InputSpec, found: _Seen) -> list[str]:
    if spec.dtype not in ("float32", "uint8"):
        return []
    if spec.image:
        ends, limit = {0.0, 255.0}, SATURATED_GRAY if spec.image.color == "GRAY" else SATURATED_IMAGE
    else:  # many zeros are how one-hot and sparse inputs are
        ends, limit = {found.least, found.most} - {0.0}, SATURATED
    share = sum(found.at_ends.get(end, 0) for end in ends) / found.values
    binary = share + found.at_ends.get(0.0, 0) * (not spec.image) / found.values >= 1
    if binary or share <= limit:
        return []
    values = " or ".join(f"{end:g}" for end in sorted(ends))
    return [f"is saturated: {share:.0%} of its {'pixels' if spec.image else 'values'} are {values}"]


def _outside(spec: InputSpec, found: _Seen) -> list[str]:
    """Values of an image that no pixel becomes by normalization."""
    if spec.image is None or spec.dtype != "float32":
        return []
    mean, std = channel_constants(spec.image)
    least, most = float((-mean / std).min()), float(((1 - mean) / std).max())
    slack = BEYOND * (most - least)
    if least - slack <= found.least and found.most <= most + slack:
        return []
    return [
        f"goes from {found.least:.4g} to {found.most:.4g}, where pixels give from {least:.4g} to {most:.4g} by its "
        "mean and standard deviation; check --mean and --std, or give uint8 images"
    ]
