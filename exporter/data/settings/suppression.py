"""Non-maximum suppression as it is written into a file."""

from typing import Annotated

from pydantic import Field

from exporter.data.base import Frozen

MOST_CANDIDATES = 4096
"""Of an image: pairs of a box and a class, those with the highest scores, that a file's suppression looks at."""

Share = Annotated[float, Field(ge=0, le=1)]


class Suppression(Frozen):
    """What becomes of boxes with a score for every class: that of ``torchvision.ops.batched_nms``, then the best.

    Every pair of a box and a class whose score is at least the threshold is a candidate, so that one box may appear
    with several classes. Candidates are taken by descending score, those of equal scores in the order of boxes and then
    of classes. One is left out where its IoU with one taken before, of the same class unless suppression is
    class-agnostic, is above the threshold. IoU is of float32; boxes without area overlap nothing.

    Attributes:
        iou_threshold: None leaves every candidate.
        score_threshold: candidates below it are left out.
        most_detections: results of an image; where there are fewer, they are padded with zeros.
        class_agnostic: whether boxes of different classes suppress one another.
        class_names: for formats that hold them; empty where they are not known.
    """

    iou_threshold: Share | None = 0.45
    score_threshold: Share = 0.001
    most_detections: Annotated[int, Field(ge=1)] = 100
    class_agnostic: bool = False
    class_names: tuple[str, ...] = ()

    @property
    def suppresses(self) -> bool:
        """Whether any overlap at all is above the threshold."""
        return self.iou_threshold is not None and self.iou_threshold < 1
