"""Examples as Core ML takes them: pictures for image inputs, arrays otherwise."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.datasets.images import denormalize
from exporter.datasets.layout import arranged, whole
from exporter.execution.heavy import load

if TYPE_CHECKING:
    from exporter.formats.coreml.reference import Feature


def core_ml_features(
    inputs: Sequence[InputSpec], batch: Sequence[NDArray[Any]], images: Collection[str]
) -> dict[str, Any]:
    """Inputs by name for ``MLModel.predict``.

    Args:
        inputs: of the source.
        batch: one example in a batch of one, as the source takes it.
        images: names of the inputs that are pictures in the artifact.
    """
    return {
        spec.name: _picture(value, spec) if spec.name in images else _array(value, spec)
        for spec, value in zip(inputs, batch, strict=True)
    }


def core_ml_value(value: NDArray[Any], spec: InputSpec, feature: "Feature") -> Any:
    """One input of the source as an artifact that anyone made takes it.

    Args:
        value: a batch as the source takes it; an image input of the artifact takes the first of it.
        spec: of the source.
        feature: of the artifact.

    Raises:
        UsageProblem: the artifact takes an image, the source none.
    """
    if feature.kind == "image":
        if spec.image is None:
            raise UsageProblem(
                f"input {feature.name} of the artifact is an image; the source's {spec.name} is "
                f"{spec.dtype} {list(spec.shape)}, which is none."
            )
        picture = _picture(value, spec)
        return picture.convert("F") if feature.colour == "F" else picture
    array = arranged(value, spec, feature.flexible_shape() or value.shape)
    integer = feature.dtype is not None and np.issubdtype(feature.dtype.array, np.integer)
    return whole(array, feature.dtype.array, feature.name) if integer and feature.dtype else array


def from_core_ml(value: Any, feature: "Feature") -> NDArray[Any]:
    """One output of an artifact as an array; a picture becomes pixels of (1, channels, height, width)."""
    if feature.kind != "image":
        return np.asarray(value)
    pixels = np.asarray(value, np.float32)
    if pixels.ndim == 2:
        return pixels[None, None]
    return np.ascontiguousarray((pixels[..., ::-1] if feature.colour == "BGR" else pixels).transpose(2, 0, 1))[None]


def _picture(value: NDArray[Any], spec: InputSpec) -> Any:
    """The PIL image whose pixels `value` was made from."""
    image_module = load("PIL.Image")
    assert spec.image is not None
    pixels = denormalize(value[0], spec)
    if spec.image.color == "GRAY":
        return image_module.fromarray(pixels[:, :, 0], "L")
    return image_module.fromarray(np.ascontiguousarray(pixels[:, :, ::-1] if spec.image.color == "BGR" else pixels))


def _array(value: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    if spec.image is not None and spec.layout == "NHWC":
        value = np.moveaxis(value, -1, 1)
    return value.astype(np.int32) if value.dtype == np.int64 else np.ascontiguousarray(value)
