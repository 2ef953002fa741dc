"""The examples on which an artifact does worst against its source, with what both found."""

import io
import math
from collections.abc import MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.drawings import Drawing, Shown, keep_picture
from exporter.data.facts.source import InputSpec, SourceDescription
from exporter.datasets.dataset import Dataset
from exporter.datasets.images import denormalize
from exporter.execution.heavy import load
from exporter.tasks.task import Metric, Tally

MOST_SHOWN = 4
LOOKED_AT = 300
"""Examples that are judged one by one, evenly spread."""
LARGEST = 320
"""Pixels of the longer side of a picture in a report."""
_QUALITY = 75


def worst(metric: Metric, source: Tally, artifact: Tally, examples: int) -> list[tuple[int, float]]:
    """Places of the examples with the greatest losses, and these; examples without a loss are left out."""
    sign = (100 if metric.unit == "%" else 1) * (1 if metric.higher_is_better else -1)
    count = min(examples, LOOKED_AT)
    losses = []
    for place in (place * examples // count for place in range(count)):
        own, other = (tally.figures(np.array([place])).values[metric.name] for tally in (source, artifact))
        loss = sign * (own - other)
        if math.isfinite(loss) and loss > 0:
            losses.append((place, loss))
    return sorted(losses, key=lambda pair: -pair[1])[:MOST_SHOWN]


def shown(
    data: Dataset,
    index: int,
    description: SourceDescription,
    found: tuple[Drawing, Drawing, Drawing | None],
    loss: tuple[str, float],
    pictures: MutableMapping[str, str],
) -> Shown | None:
    """One example of images; None where the model has no image, or several.

    Args:
        index: of the example.
        found: by the source, by the artifact, and what is true.
        loss: the metric and by how much the artifact is worse.
        pictures: takes in the image of which the example has the name.
    """
    images = [place for place, spec in enumerate(description.inputs) if spec.image is not None]
    if len(images) != 1:
        return None
    spec = description.inputs[images[0]]
    values = data.read(index)[images[0]]
    height, width = spec.height_width
    source, artifact, truth = found
    return Shown(
        name=data.paths[index].name if data.paths else f"example {index + 1}",
        width=width,
        height=height,
        picture=keep_picture(pictures, _jpeg(_pixels(values if data.stacked else values[0], spec)), "jpg"),
        metric=loss[0],
        loss=loss[1],
        source=source,
        artifact=artifact,
        truth=truth,
    )


def _pixels(values: NDArray[Any], spec: InputSpec) -> NDArray[np.uint8]:
    """RGB or gray."""
    assert spec.image is not None
    pixels = denormalize(values, spec)
    return pixels[:, :, ::-1] if spec.image.color == "BGR" else pixels


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    image = load("PIL.Image").fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels))
    image.thumbnail((LARGEST, LARGEST))
    stream = io.BytesIO()
    image.convert("RGB").save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
