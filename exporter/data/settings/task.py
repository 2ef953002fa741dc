"""What a user says of the task that a model does: how its outputs are read."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from exporter.data.base import Frozen

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class TaskSettings(Frozen):
    """What every task's table says.

    Attributes:
        kind: of the task.
    """

    kind: str


class Classification(TaskSettings):
    """One class an example.

    Attributes:
        output: name of the scores; the first output where it is empty.
        scores: what they are: logits, or probabilities that add up to 1.
    """

    kind: Literal["classification"] = "classification"
    output: str = ""
    scores: Literal["logits", "probabilities"] = "logits"


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
    iou_threshold: Share | None = None
    class_agnostic: bool = False
    most_detections: Positive = 100


class Segmentation(TaskSettings):
    """A class for every pixel.

    Attributes:
        output: name of the scores, (N, classes, H, W) or (N, H, W, classes); the first output where it is empty.
        threshold: for one class: pixels with a higher score belong to it.
        ignore: class index of pixels that do not count.
        boundary: width in pixels of the band around the borders of the truth in which boundary IoU is measured.
    """

    kind: Literal["segmentation"] = "segmentation"
    output: str = ""
    threshold: float = 0.0
    ignore: int = 255
    boundary: Positive = 2


def _by_name(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


AnyTask = Annotated[
    Annotated[Classification | Detection | Segmentation, Field(discriminator="kind")],
    BeforeValidator(_by_name),
]
