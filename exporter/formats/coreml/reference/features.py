"""Inputs and outputs as an app sees them: arrays, images, labels; conversion from and to the program's tensors."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from exporter.formats.coreml.reference.dtypes import Dtype, by_mil_name, to_tensor
from exporter.formats.coreml.reference.errors import ModelInputError

_ARRAY_TYPES = {"DOUBLE": "fp64", "FLOAT32": "fp32", "FLOAT16": "fp16", "INT32": "int32", "INT8": "int8"}
_COLOURS = {10: "L", 20: "RGB", 30: "BGR", 40: "F"}  # GRAYSCALE, RGB, BGR, GRAYSCALE_FLOAT16
Colour = Literal["L", "RGB", "BGR", "F"]


@dataclass(frozen=True)
class Feature:
    """An input or output of the model.

    Attributes:
        name: as in the model's description.
        kind: what is passed: an array, an image, a class label or probabilities.
        shape: of the array; of an image ``(1, channels, height, width)``. The default one when shapes are flexible.
        dtype: of the array's elements.
        allowed: the shapes allowed: nothing for `shape` alone, a tuple of shapes, or one pair of bounds a dimension.
        ranges: bounds of each dimension, the upper -1 when unlimited; empty unless the shape is a range.
        colour: layout of an image: ``L``, ``F`` (float greyscale), ``RGB`` or ``BGR``.
        optional: may be left out; `default` then takes its place.
        default: that value.
    """

    name: str
    kind: Literal["array", "image", "label", "probabilities"]
    shape: tuple[int, ...] = ()
    dtype: Dtype | None = None
    allowed: tuple[tuple[int, ...], ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()
    colour: Colour | None = None
    optional: bool = False
    default: float = 0.0

    def shape_problem(self, shape: tuple[int, ...]) -> str | None:
        """Why `shape` cannot be had, or None."""
        if self.allowed:
            if shape in self.allowed:
                return None
            return "one of " + ", ".join(str(list(one)) for one in self.allowed)
        if self.ranges:
            fits = len(shape) == len(self.ranges) and all(
                low <= length and (high < 0 or length <= high)
                for length, (low, high) in zip(shape, self.ranges, strict=True)
            )
            return None if fits else "[" + ", ".join(_range_text(*pair) for pair in self.ranges) + "]"
        return None if shape == self.shape or not self.shape else str(list(self.shape))

    def flexible_shape(self) -> tuple[int, ...] | None:
        """The shape, -1 where a dimension may have other lengths; None when the model does not describe it."""
        if self.allowed:
            same_rank = [one for one in self.allowed if len(one) == len(self.shape)]
            return tuple(lengths[0] if len(set(lengths)) == 1 else -1 for lengths in zip(*same_rank, strict=True))
        if self.ranges:
            return tuple(low if low == high else -1 for low, high in self.ranges)
        return self.shape or None


def _range_text(low: int, high: int) -> str:
    if low == high:
        return str(low)
    return f"{low} or more" if high < 0 else f"{low} to {high}"


def features(descriptions: Iterable[Any], predicted: str = "") -> list[Feature]:
    """Features of the input or output descriptions of a specification."""
    return [_feature(one, predicted) for one in descriptions]


def _feature(description: Any, predicted: str) -> Feature:
    kind = description.type.WhichOneof("Type")
    optional = description.type.isOptional
    if kind == "multiArrayType":
        return _array(description.name, description.type.multiArrayType, optional)
    if kind == "imageType":
        return _image(description.name, description.type.imageType, optional)
    return Feature(description.name, "probabilities" if kind == "dictionaryType" else "label")


def _array(name: str, array: Any, optional: bool) -> Feature:
    type_name = type(array).DESCRIPTOR.fields_by_name["dataType"].enum_type.values_by_number[array.dataType].name
    flexible = array.WhichOneof("ShapeFlexibility")
    allowed: tuple[tuple[int, ...], ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()
    if flexible == "enumeratedShapes":
        allowed = tuple(tuple(one.shape) for one in array.enumeratedShapes.shapes)
    elif flexible == "shapeRange":
        ranges = tuple((size.lowerBound, size.upperBound) for size in array.shapeRange.sizeRanges)
    default = array.WhichOneof("defaultOptionalValue")
    return Feature(
        name,
        "array",
        tuple(array.shape),
        by_mil_name(_ARRAY_TYPES.get(type_name, "fp32")),
        allowed,
        ranges,
        optional=optional,
        default=getattr(array, default) if default else 0.0,
    )


def _image(name: str, image: Any, optional: bool) -> Feature:
    colour = _COLOURS[image.colorSpace]
    channels = 3 if colour in ("RGB", "BGR") else 1
    flexible = image.WhichOneof("SizeFlexibility")
    allowed: tuple[tuple[int, ...], ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()
    if flexible == "enumeratedSizes":
        allowed = tuple((1, channels, size.height, size.width) for size in image.enumeratedSizes.sizes)
    elif flexible == "imageSizeRange":
        height, width = image.imageSizeRange.heightRange, image.imageSizeRange.widthRange
        ranges = (
            (1, 1),
            (channels, channels),
            (height.lowerBound, height.upperBound),
            (width.lowerBound, width.upperBound),
        )
    return Feature(
        name,
        "image",
        (1, channels, image.height, image.width),
        by_mil_name("fp32"),
        allowed,
        ranges,
        colour,  # type: ignore[arg-type]
        optional,
    )


def to_input(feature: Feature, given: Any, wanted: Dtype, rounds: bool) -> torch.Tensor:
    """`given` as the tensor that the program reads.

    Raises:
        ModelInputError: its kind, dtype or shape is not what the model describes.
    """
    array = _pixels(feature, given) if feature.kind == "image" else _numbers(feature, given, wanted)
    if array.shape == () and feature.shape == (1,):  # Core ML has no scalars: it describes them as one element
        array = array.reshape(1)
    problem = feature.shape_problem(array.shape)
    if problem is not None:
        what = "images are not resized: give" if feature.kind == "image" else "give"
        raise ModelInputError(f"input {feature.name!r} has shape {list(array.shape)}; {what} {problem}")
    tensor = torch.from_numpy(np.ascontiguousarray(array)).to(wanted.storage)
    if feature.dtype is not None and feature.dtype.rounds_to is not None and rounds:
        tensor = tensor.to(feature.dtype.rounds_to).to(wanted.storage)
    if wanted.rounds_to is not None and rounds:
        tensor = tensor.to(wanted.rounds_to).to(wanted.storage)
    return tensor


def _numbers(feature: Feature, given: Any, wanted: Dtype) -> np.ndarray[Any, Any]:
    if isinstance(given, Image.Image):
        raise ModelInputError(
            f"input {feature.name!r} is an array, not an image: give a numpy array of shape {list(feature.shape)}"
        )
    if isinstance(given, torch.Tensor):
        given = given.detach().cpu().numpy()
    array = np.asarray(given)
    assert feature.dtype is not None
    whole = np.issubdtype(feature.dtype.array, np.integer)
    if array.dtype.kind not in "biuf":
        want = "whole numbers" if whole else "real numbers"
        raise ModelInputError(
            f"input {feature.name!r} has dtype {array.dtype}; give {want}, such as numpy.{feature.dtype.array.__name__}"
        )
    return _whole_numbers(feature, array, wanted) if whole else array


def _whole_numbers(feature: Feature, array: np.ndarray[Any, Any], wanted: Dtype) -> np.ndarray[Any, Any]:
    """Integers of the input's dtype; floats that are whole numbers are taken, as Core ML takes them."""
    assert feature.dtype is not None
    held: list[np.dtype[Any]] = [np.dtype(kind) for kind in (feature.dtype.array, wanted.array)]
    kinds = [np.iinfo(kind) for kind in held if kind.kind in "iu"]
    low, high = max(kind.min for kind in kinds), min(kind.max for kind in kinds)
    if array.dtype.kind == "b":
        return array.astype(feature.dtype.array)
    wide = array.astype(np.float64) if array.dtype.kind == "f" else array  # float16 cannot hold the bounds
    good = (wide >= low) & (wide <= high)  # false for NaN
    if array.dtype.kind == "f":
        good &= np.floor(wide) == wide
    if not good.all():
        place = [int(index) for index in np.argwhere(~good)[0]]
        raise ModelInputError(
            f"input {feature.name!r} takes whole numbers from {low} to {high}; element {place} is {array[tuple(place)]}"
        )
    return array.astype(feature.dtype.array)


def _pixels(feature: Feature, given: Any) -> np.ndarray[Any, Any]:
    assert feature.colour is not None
    mode = feature.colour if feature.colour in ("L", "F") else "RGB"
    if not isinstance(given, Image.Image):
        raise ModelInputError(
            f"input {feature.name!r} is an image: give a PIL image of mode {mode!r}, not {type(given).__name__}"
        )
    if given.mode != mode:
        raise ModelInputError(
            f"input {feature.name!r} has image mode {given.mode!r}; convert it first: image.convert({mode!r})"
        )
    pixels = np.array(given, dtype=np.float32)
    if mode != "RGB":
        return pixels[None, None]
    return (pixels[..., ::-1] if feature.colour == "BGR" else pixels).transpose(2, 0, 1)[None]


def to_output(feature: Feature, value: Any, rounds: bool) -> Any:
    """A program's result as `MLModel.predict` gives it: numpy array, PIL image, label or dictionary.

    Without rounding, float16 arrays are given in float32.
    """
    if feature.kind in ("label", "probabilities"):
        return value
    tensor = value if isinstance(value, torch.Tensor) else to_tensor(value)
    if feature.kind == "image":
        return _picture(feature, tensor)
    array = tensor.reshape(tensor.shape or (1,)).numpy()  # Core ML gives a scalar as one element
    if feature.dtype is None or (feature.dtype.rounds_to is not None and not rounds):
        return array
    return array.astype(feature.dtype.array)


def _picture(feature: Feature, value: torch.Tensor) -> Image.Image:
    planes = value[0]
    if feature.colour == "F":
        return Image.fromarray(planes[0].numpy().astype(np.float32))
    pixels = planes.round().clamp(0, 255).to(torch.uint8).numpy()
    if feature.colour == "L":
        return Image.fromarray(pixels[0])
    return Image.fromarray(
        np.ascontiguousarray((pixels[::-1] if feature.colour == "BGR" else pixels).transpose(1, 2, 0))
    )
