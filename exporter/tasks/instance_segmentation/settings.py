"""How the outputs of an instance segmenter are read."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.data.settings.task import SURE, TaskSettings
from exporter.tasks.detection.settings import Detection, Positive, Share


class InstanceSegmentation(TaskSettings):
    """Objects with their outlines.

    Attributes:
        head: how the outputs hold them. ``masks`` is decoded: boxes (N, K, 4), scores (N, K), classes (N, K) and masks
            (N, K, H, W) that cover the input, of any size; ``yolo`` is (N, 4 + classes + coefficients, anchors) of
            YOLOv8-seg and v11-seg, and prototypes (N, coefficients, H, W).
        outputs: their names, in this order; in the order of the model where it is empty.
        box_format: of the coordinates of ``masks``: corners, corner and size, or centre and size.
        normalized: whether coordinates are shares of the input and not pixels.
        activation: what makes scores of classes of what the head gives.
        mask_threshold: least value of a pixel of an object, after a sigmoid of what ``yolo`` gives.
        score_threshold: objects below it are left out.
        sure_score: objects of the source from this score on are what is to be found, where there are no labels.
        iou_threshold: of non-maximum suppression of boxes; None where the outputs are the final objects.
        class_agnostic: whether boxes of different classes suppress one another.
        most_detections: of an image.
    """

    kind: Literal["instance_segmentation"] = "instance_segmentation"
    head: Literal["masks", "yolo"] = "masks"
    outputs: tuple[str, ...] = ()
    box_format: Literal["xyxy", "xywh", "cxcywh"] = "xyxy"
    normalized: bool = False
    activation: Literal["none", "sigmoid"] = "none"
    mask_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    score_threshold: Share = 0.001
    sure_score: Share = SURE
    iou_threshold: Share | None = None
    class_agnostic: bool = False
    most_detections: Positive = 100

    @property
    def boxes(self) -> Detection:
        """How its boxes are read."""
        shared = ("box_format", "normalized", "activation", "score_threshold", "iou_threshold", "class_agnostic")
        values = {name: getattr(self, name) for name in (*shared, "most_detections")}
        return Detection(head="boxes" if self.head == "masks" else "yolo", **values)


SETTINGS = InstanceSegmentation
