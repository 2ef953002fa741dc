"""What is true of an example, as data sets say it; tasks read predictions in the same forms.

Boxes and points are in pixels of the file that the example was read from, turned as its EXIF orientation says; x to the
right, y down, from the outer edge of the first pixel.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

TruthKind = Literal["class", "boxes", "classes_map", "instances", "poses", "depth", "image", "text", "tokens", "values"]
"""What kind of truth a data set holds; a task needs one of them.

==============  ========================================================================================
class           int, the class, the word of a clip, or who is shown
boxes           `Boxes`
classes_map     int64 (height, width) of the input, a class a pixel, or of a volume (depth, height, width); a value
                that settings name is left out
instances       `Instances`
poses           `Poses`
depth           float32 (height, width) of the input, in the unit of the outputs; NaN where it is not known
image           float32 (height, width, channels) in [0, 1], of the output's size
text            str
tokens          int64 (length,), -100 where a position does not count
values          float32, of the output's shape without the batch; NaN where it is not known
==============  ========================================================================================
"""


@dataclass(frozen=True)
class Fit:
    """How the pixels of an example's file became the model's input: ``x_input = x_file * scale_x + left``.

    Attributes:
        width: of the file, in pixels, and so on.
    """

    width: int
    height: int
    scale_x: float = 1.0
    scale_y: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def to_file(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points of the input, shape (..., 2), in pixels of the file."""
        moved = points - np.array([self.left, self.top], np.float32)
        return np.asarray(moved / np.array([self.scale_x, self.scale_y], np.float32), np.float32)


@dataclass(frozen=True)
class Boxes:
    """Objects of an image.

    Attributes:
        corners: float32 (N, 4), left, top, right, bottom.
        classes: int64 (N,).
        scores: float32 (N,) in [0, 1]; ones where it is known.
        crowd: bool (N,): regions of many objects, which no detection of is wrong (COCO's ``iscrowd``).
        areas: float32 (N,) in square pixels, of the object and not of its box where that is known.
    """

    corners: NDArray[np.float32]
    classes: NDArray[np.int64]
    scores: NDArray[np.float32]
    crowd: NDArray[np.bool_]
    areas: NDArray[np.float32]

    @classmethod
    def of(cls, corners: Any, classes: Any, scores: Any = None, crowd: Any = None, areas: Any = None) -> "Boxes":
        """Boxes with what is not known filled in."""
        corners = np.asarray(corners, np.float32).reshape(-1, 4)
        sides = np.maximum(corners[:, 2:] - corners[:, :2], 0)
        return cls(
            corners,
            np.asarray(classes, np.int64).reshape(-1),
            np.ones(len(corners), np.float32) if scores is None else np.asarray(scores, np.float32).reshape(-1),
            np.zeros(len(corners), bool) if crowd is None else np.asarray(crowd, bool).reshape(-1),
            sides[:, 0] * sides[:, 1] if areas is None else np.asarray(areas, np.float32).reshape(-1),
        )


@dataclass(frozen=True)
class Instances:
    """Objects of an image with their outlines.

    Attributes:
        boxes: as they are without outlines.
        masks: bool (N, height, width) of the file.
    """

    boxes: Boxes
    masks: NDArray[np.bool_]


@dataclass(frozen=True)
class Poses:
    """People, or other things with named points, of an image.

    Attributes:
        boxes: as they are without points; areas scale the distances of object keypoint similarity.
        points: float32 (N, points, 2).
        visible: int64 (N, points): 0 not labelled, 1 hidden, 2 in sight (COCO); of predictions 2.
    """

    boxes: Boxes
    points: NDArray[np.float32]
    visible: NDArray[np.int64]
