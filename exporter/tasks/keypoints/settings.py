"""How the outputs of a pose model are read."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.data.settings.task import SURE, TaskSettings
from exporter.tasks.detection.settings import Detection, Positive, Share

Above = Annotated[float, Field(gt=0)]


class Keypoints(TaskSettings):
    """Named points.

    Attributes:
        head: how the outputs hold them. ``heatmaps`` are (N, points, H, W) of one pose an image; ``coordinates`` are
            (N, points, 2 or 3) of one pose, a third column being its score; ``yolo`` is (N, 4 + classes + 3 * points,
            anchors) of YOLOv8-pose and v11-pose, with boxes.
        output: its name; the first output where it is empty.
        normalized: whether coordinates are shares of the input and not pixels.
        order: of coordinates, across first or down first.
        points: how many there are, for ``yolo``.
        sigmas: how far people who label are apart at each point, as a share of the size (COCO's falloff); empty for
            those of COCO's 17 points.
        pck_share: a point is right (PCK) where it is nearer than this share of the longer side of the box.
        score_threshold: poses below it are left out, for ``yolo``.
        sure_score: poses of the source from this score on are what is to be found, where there are no labels.
        iou_threshold: of non-maximum suppression, for ``yolo``; None where the outputs are the final poses.
        most_detections: poses of an image.
    """

    kind: Literal["keypoints"] = "keypoints"
    head: Literal["heatmaps", "coordinates", "yolo"] = "heatmaps"
    output: str = ""
    normalized: bool = False
    order: Literal["xy", "yx"] = "xy"
    points: Positive = 17
    sigmas: tuple[Above, ...] = ()
    pck_share: Above = 0.2
    score_threshold: Share = 0.001
    sure_score: Share = SURE
    iou_threshold: Share | None = None
    most_detections: Positive = 20

    @property
    def boxes(self) -> Detection:
        """How boxes of ``yolo`` are read."""
        shared = ("normalized", "score_threshold", "iou_threshold", "most_detections")
        return Detection(head="yolo", **{name: getattr(self, name) for name in shared})


SETTINGS = Keypoints
