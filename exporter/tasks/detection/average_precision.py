"""Average precision of boxes, as COCO computes it, of any sample of the images.

pycocotools matches detections with objects, once; its own summary is of all images, so what follows the matching is
written here, and equal to the library's on all images (a test).
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exporter.datasets.truths import Boxes
from exporter.execution.heavy import load
from exporter.tasks.task import Figures

_RECALLS = np.linspace(0, 1, 101)
_EVERY_AREA = 0
"""Of COCO's ranges: all, small, medium, large."""


class _Matched(NamedTuple):
    """Of one class in one image.

    Attributes:
        scores: (detections,), the best first.
        right: (thresholds, detections), whether each is matched.
        left_out: likewise, whether it counts for nothing, as in a crowd.
        objects: to be found.
    """

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    left_out: NDArray[np.bool_]
    objects: int


@dataclass
class AveragePrecision:
    """A tally of `Boxes` against `Boxes`.

    Attributes:
        most: detections of an image that count.
        classes: how many there are; more where boxes name more.
    """

    most: int
    classes: int = 0
    found: list[Boxes] = field(default_factory=list)
    wanted: list[Boxes] = field(default_factory=list)

    def add(self, prediction: Boxes, truth: Boxes) -> None:
        """Take in one image."""
        self.found.append(prediction)
        self.wanted.append(truth)

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``map`` over IoU from 0.5 to 0.95, ``map50``, and each a class; classes without objects are left out."""
        precisions = np.stack([self._precisions(place, sample) for place in range(self._class_count)])
        counts = np.array([len(self._images_with(place, sample)) for place in range(self._class_count)], np.int64)
        of_class = {"map": precisions.mean(1), "map50": precisions[:, 0]}
        return Figures({name: _mean(values) for name, values in of_class.items()}, of_class, counts)

    @property
    def _class_count(self) -> int:
        return max([self.classes, 1, *(int(one.classes.max(initial=-1)) + 1 for one in (*self.found, *self.wanted))])

    def _images_with(self, place: int, sample: NDArray[np.intp]) -> list[int]:
        return [
            int(image)
            for image in np.unique(sample)
            if (one := self._matches[place].get(int(image))) is not None and one.objects
        ]

    def _precisions(self, place: int, sample: NDArray[np.intp]) -> NDArray[np.float64]:
        """Of one class at each IoU threshold, averaged over recalls; NaN where there is nothing to find."""
        of_class = self._matches[place]
        parts = [of_class[int(image)] for image in sample if int(image) in of_class]
        objects = sum(part.objects for part in parts)
        if not objects:
            return np.full(10, np.nan)
        order = np.argsort(-np.concatenate([part.scores for part in parts]), kind="stable")
        right = np.concatenate([part.right for part in parts], 1)[:, order]
        counted = ~np.concatenate([part.left_out for part in parts], 1)[:, order]
        hits, misses = (right & counted).cumsum(1, dtype=float), (~right & counted).cumsum(1, dtype=float)
        precision = hits / (hits + misses + np.spacing(1))
        envelope = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
        return np.array([_at_recalls(*pair) for pair in zip(hits / objects, envelope, strict=True)])

    @cached_property
    def _matches(self) -> list[dict[int, _Matched]]:
        """For each class, image -> its matches; after the last `add`."""
        evaluation = self._evaluated()
        found: list[dict[int, _Matched]] = [{} for _ in range(self._class_count)]
        for one in evaluation.evalImgs:
            if one is not None and one["aRng"] == evaluation.params.areaRng[_EVERY_AREA]:
                found[one["category_id"]][one["image_id"]] = _Matched(
                    np.asarray(one["dtScores"], np.float64),
                    np.asarray(one["dtMatches"]) > 0,
                    np.asarray(one["dtIgnore"], bool),
                    int(np.count_nonzero(np.asarray(one["gtIgnore"]) == 0)),
                )
        return found

    def _evaluated(self) -> Any:
        coco = load("pycocotools.coco").COCO
        images = [{"id": place} for place in range(len(self.wanted))]
        categories = [{"id": place} for place in range(self._class_count)]
        with contextlib.redirect_stdout(io.StringIO()):
            truths, detections = coco(), coco()
            for target, boxes in ((truths, self.wanted), (detections, self.found)):
                target.dataset = {"images": images, "categories": categories, "annotations": _annotations(boxes)}
                target.createIndex()
            evaluation = load("pycocotools.cocoeval").COCOeval(truths, detections, "bbox")
            evaluation.params.maxDets = [self.most]
            evaluation.params.areaRng = evaluation.params.areaRng[:1]
            evaluation.evaluate()
        return evaluation


def _annotations(images: Sequence[Boxes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for image, boxes in enumerate(images):
        sides = boxes.corners[:, 2:] - boxes.corners[:, :2]
        corners = np.concatenate([boxes.corners[:, :2], sides], 1).astype(np.float64)
        for place in range(len(corners)):
            found.append(
                {
                    "id": len(found) + 1,
                    "image_id": image,
                    "category_id": int(boxes.classes[place]),
                    "bbox": corners[place].tolist(),
                    "score": float(boxes.scores[place]),
                    "iscrowd": int(boxes.crowd[place]),
                    "area": float(boxes.areas[place]),
                }
            )
    return found


def _at_recalls(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    places = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[places].mean())


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
