"""What holds for objects on images whatever file describes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.datasets.images import upright_size
from exporter.datasets.truths import Boxes, Instances, Poses


def refuse_nothing(where: str, objects: Sequence[Sequence[Any]]) -> None:
    """Refuse annotations of which no image has any: they are of other images, or a task of another kind."""
    if not any(objects):
        raise UsageProblem(f"data {where}: none of {len(objects)} images has an annotation.")


def file_size(path: Path, said: tuple[int, int] | None, where: str) -> tuple[int, int]:
    """Width and height of an image, upright.

    Args:
        said: by its annotations; None where they do not say.

    Raises:
        UsageProblem: the file has another size than the annotations say, so that they are of something else.
    """
    size = upright_size(path)
    if said is not None and said != size:
        raise UsageProblem(
            f"data {where}: {path.name} is {said[0]}x{said[1]} in the annotations; the file, turned as its EXIF "
            f"orientation says, is {size[0]}x{size[1]}."
        )
    return size


def instances(boxes: Boxes, masks: Sequence[NDArray[np.bool_]], size: tuple[int, int]) -> Instances:
    """Objects with their masks, also where there are none.

    Args:
        size: width and height of the file.
    """
    return Instances(boxes, np.stack(masks) if masks else np.zeros((0, size[1], size[0]), bool))


def poses(boxes: Boxes, points: Sequence[Sequence[float]], count: int) -> Poses:
    """Objects with their points.

    Args:
        points: x, y, visibility of each of `count` points, an object.
    """
    held = np.asarray(points, np.float32).reshape(-1, count, 3)
    return Poses(boxes, np.ascontiguousarray(held[..., :2]), held[..., 2].astype(np.int64))
