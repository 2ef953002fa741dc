"""How the outputs of a detector are read."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.data.settings.task import SURE, TaskSettings

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Detection(TaskSettings):
    """Boxes with classes.

    Attributes:
        head: how the outputs hold them. ``boxes`` is decoded already; ``yolo`` is (N, 4 + classes, anchors) of YOLOv8
            and v11, or (N, anchors, 5 + classes) of v5 with an objectness; ``ssd`` is offsets from priors and logits
            with a background; ``detr`` is centre boxes in [0, 1] and logits with a last class for nothing.
        outputs: names of the outputs that hold boxes, scores and classes, in this order; in the order of the model
            where it is empty.
        box_format: of the coordinates of ``boxes``: corners, corner and size, or centre and size.
        normalized: whether coordinates are shares of the input and not pixels.
        activation: what makes scores of what the head gives.
        background: index of the class that is none; None where there is none.
        priors: an .npy of (anchors, 4) centre boxes in [0, 1], for ``ssd``.
        variances: of the offsets of centres and of sizes, for ``ssd``.
        score_threshold: detections below it are left out.
        sure_score: objects of the source from this score on are what is to be found, where there are no labels.
        iou_threshold: of non-maximum suppression; None where the outputs are the final detections.
        class_agnostic: whether boxes of different classes suppress one another.
        most_detections: of an image.
    """

    kind: Literal["detection"] = "detection"
    head: Literal["boxes", "yolo", "ssd", "detr"] = "boxes"
    outputs: tuple[str, ...] = ()
    box_format: Literal["xyxy", "xywh", "cxcywh"] = "xyxy"
    normalized: bool = False
    activation: Literal["none", "sigmoid", "softmax"] = "none"
    background: int | None = None
    priors: str = ""
    variances: tuple[float, float] = (0.1, 0.2)
    score_threshold: Share = 0.001
    sure_score: Share = SURE
    iou_threshold: Share | None = None
    class_agnostic: bool = False
    most_detections: Positive = 100

    @property
    def files(self) -> tuple[str, ...]:
        """The priors."""
        return (self.priors,) if self.priors else ()

    def names(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Without the background."""
        return tuple(name for place, name in enumerate(labels) if place != self.background)


SETTINGS = Detection
