"""Predictions and truths as reports draw them, by their type; what has no picture is drawn as nothing."""

import colorsys
import io
from collections.abc import MutableMapping, Sequence
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.drawings import Drawing, Mark, keep_picture
from exporter.data.settings.task import SURE
from exporter.datasets.truths import Boxes, Fit, Instances, Poses
from exporter.execution.heavy import load

Pictures = MutableMapping[str, str]
"""Image files in base64, by name."""

MOST_MARKS = 20
_GOLDEN = 0.618034
"""Of the circle of hues from one class to the next, so that neighbours differ (the golden ratio)."""
_OPAQUE = 150


@singledispatch
def drawing_of(found: Any, fit: Fit | None, names: Sequence[str], pictures: Pictures) -> Drawing | None:
    """What is drawn of a prediction or a truth; None where nothing can be.

    Args:
        fit: how its file became the picture; None where they are the same.
        names: of the classes.
        pictures: takes in the images of which a drawing has the name.
    """
    return None


@drawing_of.register
def _(found: Boxes, fit: Fit | None, names: Sequence[str], pictures: Pictures) -> Drawing:
    return Drawing(marks=tuple(_marks(found, fit, names)))


@drawing_of.register
def _(found: Instances, fit: Fit | None, names: Sequence[str], pictures: Pictures) -> Drawing:
    return Drawing(marks=tuple(_marks(found.boxes, fit, names)))


@drawing_of.register
def _(found: Poses, fit: Fit | None, names: Sequence[str], pictures: Pictures) -> Drawing:
    marks = _marks(found.boxes, fit, names)
    points = [_on_picture(one[seen > 0], fit) for one, seen in zip(found.points, found.visible, strict=True)]
    kept = [points[place] for place in _best(found.boxes)]
    pairs = zip(marks, kept, strict=True)
    return Drawing(marks=tuple(mark.model_copy(update={"points": _pairs(one)}) for mark, one in pairs))


@drawing_of.register(np.ndarray)
def _(found: NDArray[Any], fit: Fit | None, names: Sequence[str], pictures: Pictures) -> Drawing | None:
    """Of arrays, a class map alone is one of integers in two dimensions."""
    if found.ndim != 2 or found.dtype.kind != "i":
        return None
    return Drawing(classes=keep_picture(pictures, _png(_coloured(found)), "png"))


def _marks(boxes: Boxes, fit: Fit | None, names: Sequence[str]) -> list[Mark]:
    known = bool((boxes.scores == 1).all())
    corners = _on_picture(boxes.corners.reshape(-1, 2, 2), fit).reshape(-1, 4)
    return [
        Mark(
            corners=tuple(corners[place].tolist()),
            name=_name(int(boxes.classes[place]), names),
            score=None if known else round(float(boxes.scores[place]), 3),
        )
        for place in _best(boxes)
    ]


def _best(boxes: Boxes) -> NDArray[np.intp]:
    """Places of what is sure, the best first."""
    order = np.argsort(-boxes.scores, kind="stable")
    return order[boxes.scores[order] >= SURE][:MOST_MARKS]


def _name(place: int, names: Sequence[str]) -> str:
    return names[place] if place < len(names) else str(place)


def _on_picture(points: NDArray[np.float32], fit: Fit | None) -> NDArray[np.float32]:
    if fit is None:
        return points
    moved = points * np.array([fit.scale_x, fit.scale_y], np.float32) + np.array([fit.left, fit.top], np.float32)
    return np.asarray(np.round(moved, 1), np.float32)


def _pairs(points: NDArray[np.float32]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)


def _coloured(classes: NDArray[Any]) -> NDArray[np.uint8]:
    """RGBA, clear where the class is 0."""
    table = np.array([(*_colour(place), _OPAQUE if place else 0) for place in range(256)], np.uint8)
    return np.asarray(table[np.clip(classes, 0, 255)])


def _colour(place: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(place * _GOLDEN % 1, 0.8, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    load("PIL.Image").fromarray(pixels, "RGBA").quantize(64, method=2).save(stream, "PNG", optimize=True)
    return stream.getvalue()
