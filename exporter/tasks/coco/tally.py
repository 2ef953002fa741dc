"""A tally of detections against objects, whatever their similarity is of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from exporter.datasets.truths import Boxes
from exporter.tasks.coco.matching import Annotation, Matching
from exporter.tasks.coco.precision import Precision
from exporter.tasks.sums import mean_of_known
from exporter.tasks.task import Figures


@dataclass
class AveragePrecision:
    """COCO's average precision over IoU from 0.5 to 0.95, and at 0.5.

    Attributes:
        classes: how many there are; more where annotations name more.
        prefix: of the metrics' names.
    """

    matching: Matching
    classes: int = 0
    prefix: str = ""
    found: list[Sequence[Annotation]] = field(default_factory=list)
    wanted: list[Sequence[Annotation]] = field(default_factory=list)

    def add(self, found: Sequence[Annotation], wanted: Sequence[Annotation]) -> None:
        """Take in one image, before any figures are asked for."""
        self.found.append(found)
        self.wanted.append(wanted)

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``map`` and ``map50``, and each a class; classes without objects are left out of the means."""
        times = np.bincount(sample, minlength=len(self.wanted)).astype(np.int64)
        precision = self._precision.of(times)
        of_class = {f"{self.prefix}map": precision.mean(0), f"{self.prefix}map50": precision[0]}
        return Figures(
            {name: mean_of_known(values) for name, values in of_class.items()},
            of_class,
            self._precision.images(times),
            int(times[self._without].sum()),
        )

    @cached_property
    def _precision(self) -> Precision:
        return Precision(self.matching.of(self.found, self.wanted, self.classes))

    @cached_property
    def _without(self) -> NDArray[np.intp]:
        """Images in which there is nothing to find."""
        label_image_count = self._precision.matches.objects
        some = np.unique(label_image_count[label_image_count[:, 2] > 0, 1])
        return np.setdiff1d(np.arange(len(self.wanted)), some)


def annotations(boxes: Boxes) -> list[dict[str, object]]:
    """Boxes in COCO's form."""
    corners = boxes.corners.astype(np.float64)
    sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1).tolist()
    columns = (boxes.classes.tolist(), sides, boxes.scores.tolist(), boxes.crowd.tolist(), boxes.areas.tolist())
    return [
        {"category_id": label, "bbox": box, "score": score, "iscrowd": int(crowd), "area": area}
        for label, box, score, crowd, area in zip(*columns, strict=True)
    ]
