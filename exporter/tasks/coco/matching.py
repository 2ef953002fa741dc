"""Which detections find which objects, as pycocotools matches them."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exporter.execution.heavy import load

Kind = Literal["bbox", "segm", "keypoints"]
"""What similarity is of (``iouType`` of pycocotools)."""

Annotation = Mapping[str, Any]
"""An object or a detection in COCO's form, without its numbers."""


@dataclass(frozen=True)
class Matches:
    """Detections of all images, those of one class after those of another, the best of a class first.

    Attributes:
        classes: how many there are.
        images: how many there are.
        image: int64 (detections,), which one a detection is in, and so of `label`, its class.
        right: bool (thresholds, detections), whether it finds an object.
        left_out: likewise, whether it counts for nothing, as in a crowd.
        objects: int64 (pairs, 3): class, image, and how many objects of this class are to be found in it.
    """

    classes: int
    images: int
    image: NDArray[np.int64]
    label: NDArray[np.int64]
    right: NDArray[np.bool_]
    left_out: NDArray[np.bool_]
    objects: NDArray[np.int64]


@dataclass(frozen=True)
class Matching:
    """How detections and objects are matched.

    Attributes:
        most: detections of a class in an image that count.
        sigmas: of each point, for ``keypoints``.
    """

    kind: Kind
    most: int
    sigmas: tuple[float, ...] = ()

    def of(
        self, found: Sequence[Sequence[Annotation]], wanted: Sequence[Sequence[Annotation]], classes: int
    ) -> Matches:
        """Matches over IoU from 0.5 to 0.95.

        Args:
            found: detections of each image.
            wanted: objects of each image.
            classes: how many there are at least; more where annotations name more.
        """
        named = (int(one["category_id"]) + 1 for image in (*found, *wanted) for one in image)
        classes = max(classes, 1, *named)
        return _sorted(self._evaluated(found, wanted, classes), classes, len(wanted))

    def _evaluated(
        self, found: Sequence[Sequence[Annotation]], wanted: Sequence[Sequence[Annotation]], classes: int
    ) -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            sets = [_data_set(one, classes) for one in (wanted, found)]
            evaluation = load("pycocotools.cocoeval").COCOeval(*sets, self.kind)
            evaluation.params.maxDets = [self.most]
            evaluation.params.areaRng = [[0, 1e5**2]]
            evaluation.params.areaRngLbl = ["all"]
            if self.sigmas:
                evaluation.params.kpt_oks_sigmas = np.asarray(self.sigmas)
            evaluation.evaluate()
        return evaluation


def _data_set(images: Sequence[Sequence[Annotation]], classes: int) -> Any:
    made = load("pycocotools.coco").COCO()
    annotations = [{**one, "image_id": place} for place, image in enumerate(images) for one in image]
    made.dataset = {
        # The size is asked for of every mask, and used for polygons alone.
        "images": [{"id": place, "height": 0, "width": 0} for place in range(len(images))],
        "categories": [{"id": place} for place in range(classes)],
        "annotations": [{**one, "id": place + 1} for place, one in enumerate(annotations)],  # 0 is "not matched"
    }
    made.createIndex()
    return made


def _sorted(evaluation: Any, classes: int, images: int) -> Matches:
    """The library's matches of class after class and image after image, the best of a class first."""
    parts = [one for one in evaluation.evalImgs if one is not None]
    thresholds = len(evaluation.params.iouThrs)
    many = [len(one["dtScores"]) for one in parts]
    label = np.repeat(np.array([one["category_id"] for one in parts], np.int64), many)
    scores = np.concatenate([np.zeros(0), *(one["dtScores"] for one in parts)])
    order = np.lexsort((-scores, label))  # stable, as COCO's own
    return Matches(
        classes,
        images,
        np.repeat(np.array([one["image_id"] for one in parts], np.int64), many)[order],
        label[order],
        _side_by_side([np.asarray(one["dtMatches"]) > 0 for one in parts], thresholds)[:, order],
        _side_by_side([np.asarray(one["dtIgnore"], bool) for one in parts], thresholds)[:, order],
        np.array(
            [
                (one["category_id"], one["image_id"], np.count_nonzero(np.asarray(one["gtIgnore"]) == 0))
                for one in parts
            ],
            np.int64,
        ).reshape(-1, 3),
    )


def _side_by_side(parts: Sequence[NDArray[np.bool_]], thresholds: int) -> NDArray[np.bool_]:
    return np.concatenate([np.zeros((thresholds, 0), bool), *(part.reshape(thresholds, -1) for part in parts)], 1)
