"""Examples as Core ML takes them: pictures for image inputs, arrays otherwise."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.datasets.images import denormalize
from exporter.heavy import load
from exporter.sources.description import InputSpec


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
