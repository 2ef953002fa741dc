"""Candidates to detections: thresholds, classes, suppression."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exporter.datasets.truths import Fit
from exporter.execution.heavy import load_torch, load_torchvision
from exporter.tasks.detection.heads import Candidates, Floats
from exporter.tasks.detection.settings import Detection


class Selected(NamedTuple):
    """Detections of an image, the best first.

    Attributes:
        corners: (N, 4) in pixels of the input.
        scores: (N,).
        classes: (N,).
        places: (N,), which candidate each is.
    """

    corners: Floats
    scores: Floats
    classes: NDArray[np.int64]
    places: NDArray[np.intp]


def selected(settings: Detection, found: Candidates) -> Selected:
    """Candidates above the threshold, one a class, that nothing suppresses."""
    chosen = _chosen(settings, found)
    kept = _suppressed(settings, chosen)[: settings.most_detections]
    return Selected(chosen.corners[kept], chosen.scores[kept], chosen.classes[kept], chosen.places[kept])


def in_file(corners: Floats, fit: Fit | None) -> Floats:
    """Corners in pixels of the example's file."""
    return corners if fit is None else fit.to_file(corners.reshape(-1, 2, 2)).reshape(-1, 4)


def _chosen(settings: Detection, found: Candidates) -> Selected:
    if found.classes is not None:
        places = np.flatnonzero(found.scores >= settings.score_threshold)
        return Selected(found.corners[places], found.scores[places], found.classes[places], places)
    places, classes = np.nonzero(found.scores >= settings.score_threshold)
    return Selected(found.corners[places], found.scores[places, classes], classes.astype(np.int64), places)


def _suppressed(settings: Detection, chosen: Selected) -> NDArray[np.int64]:
    """Places of the boxes that are left, the best first."""
    if settings.iou_threshold is None:
        return np.argsort(-chosen.scores, kind="stable")
    torch, boxes = load_torch(), load_torchvision().ops
    groups = np.zeros_like(chosen.classes) if settings.class_agnostic else chosen.classes
    columns = (chosen.corners, chosen.scores, groups)
    given = (torch.from_numpy(np.ascontiguousarray(column)) for column in columns)
    return np.asarray(boxes.batched_nms(*given, settings.iou_threshold).numpy(), np.int64)
