"""What pose models give, as poses in pixels of the input."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exporter.tasks.detection.heads import Floats, Size, yolo_candidates
from exporter.tasks.detection.selection import selected
from exporter.tasks.keypoints.settings import Keypoints


class Found(NamedTuple):
    """Poses of one image.

    Attributes:
        points: (N, points, 2).
        scores: (N,).
        classes: (N,).
        corners: (N, 4); None where the box is that of the points.
    """

    points: Floats
    scores: Floats
    classes: NDArray[np.int64]
    corners: Floats | None = None


def poses(settings: Keypoints, output: Floats, size: Size) -> list[Found]:
    """The poses of each image of a run.

    Args:
        output: of the shape that the head has (`wrong_shape`).
    """
    return _HEADS[settings.head](settings, output, size)


def wrong_shape(settings: Keypoints, shape: tuple[int, ...]) -> str:
    """What the head reads, in words; empty where an output of this shape is it."""
    if settings.head == "heatmaps":
        return "" if len(shape) == 4 else "heatmaps (N, points, H, W)"
    if settings.head == "coordinates":
        right = (len(shape) == 3 or (len(shape) == 4 and shape[1] == 1)) and shape[-1] in (2, 3)
        return "" if right else "coordinates (N, points, 2), or 3 with scores"
    right = len(shape) == 3 and shape[1] > 4 + 3 * settings.points
    return "" if right else f"(N, 4 + classes + 3 * {settings.points}, anchors)"


def points_of(settings: Keypoints, shape: tuple[int, ...]) -> int:
    """How many points a pose has."""
    return settings.points if settings.head == "yolo" else shape[1] if settings.head == "heatmaps" else shape[-2]


def _heatmaps(settings: Keypoints, output: Floats, size: Size) -> list[Found]:
    """The highest place, a quarter of a pixel towards the higher neighbour (SimpleBaseline and HRNet)."""
    height, width = output.shape[2:]
    scale = np.array([size[0] / width, size[1] / height], np.float32)
    return [_single(_highest(maps) * scale, maps.max((1, 2))) for maps in output]


def _highest(maps: Floats) -> Floats:
    """Of each map, across and down."""
    count, height, width = maps.shape
    place = maps.reshape(count, -1).argmax(1)
    row, column, every = place // width, place % width, np.arange(count)
    inside = (column > 1) & (column < width - 1) & (row > 1) & (row < height - 1)
    left, right = maps[every, row, column - 1], maps[every, row, (column + 1) % width]
    above, below = maps[every, row - 1, column], maps[every, (row + 1) % height, column]
    towards = 0.25 * np.sign(np.stack([right - left, below - above], 1)) * inside[:, None]
    found = np.stack([column, row], 1) + towards
    return np.asarray(found * (maps.max((1, 2)) > 0)[:, None], np.float32)


def _coordinates(settings: Keypoints, output: Floats, size: Size) -> list[Found]:
    rows = output.reshape(len(output), -1, output.shape[-1])
    points = rows[..., :2] if settings.order == "xy" else rows[..., 1::-1]
    points = points * np.array(size, np.float32) if settings.normalized else points
    scores = rows[..., 2] if rows.shape[-1] == 3 else np.ones(rows.shape[:2], np.float32)
    return [_single(*pair) for pair in zip(points, scores, strict=True)]


def _single(points: Floats, scores: Floats) -> Found:
    return Found(points[None], np.array([scores.mean()], np.float32), np.zeros(1, np.int64))


def _yolo(settings: Keypoints, output: Floats, size: Size) -> list[Found]:
    """Source: ultralytics ``Pose``: boxes and scores, then x, y and visibility of each point."""
    many = 3 * settings.points
    rows = np.swapaxes(output, 1, 2)
    points = rows[..., -many:].reshape(*rows.shape[:2], settings.points, 3)[..., :2]
    scale = np.array(size if settings.normalized else (1, 1), np.float32)
    kept = [selected(settings.boxes, one) for one in yolo_candidates(settings.boxes, rows[..., :-many], size)]
    return [
        Found(places[one.places] * scale, one.scores, one.classes, one.corners)
        for places, one in zip(points, kept, strict=True)
    ]


_HEADS: Mapping[str, Callable[[Keypoints, Floats, Size], list[Found]]] = {
    "heatmaps": _heatmaps,
    "coordinates": _coordinates,
    "yolo": _yolo,
}
