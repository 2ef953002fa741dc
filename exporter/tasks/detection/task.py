"""Detection: boxes with classes, judged by COCO's average precision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Boxes, Fit, TruthKind
from exporter.execution.heavy import load_torch, load_torchvision
from exporter.tasks.detection.average_precision import AveragePrecision
from exporter.tasks.detection.heads import Candidates, candidates
from exporter.tasks.detection.settings import Detection
from exporter.tasks.outputs import outputs_named
from exporter.tasks.task import Metric, Reader

SURE = 0.3
"""Least score of a detection of the source that counts as an object where there are no labels."""


@dataclass(frozen=True)
class DetectionTask:
    """Implements `Task`; predictions and truths are `Boxes`."""

    name = "detection"
    truths: tuple[TruthKind, ...] = ("boxes",)

    def metrics(self, settings: Detection, against: Against) -> tuple[Metric, ...]:
        """Average precision."""
        return (
            Metric("map", "mAP50-95", "%", "map_drop_points", useless=0.01),
            Metric("map50", "mAP50", "%", "map50_drop_points", useless=0.02),
        )

    def reader(self, settings: Detection, description: SourceDescription) -> Reader:
        """Reads the head that the settings name.

        Raises:
            UsageProblem: the model has no image input, or not these outputs.
        """
        images = [spec for spec in description.inputs if spec.image is not None]
        if not images:
            raise UsageProblem("[model.task] detection needs an image input; the model has none.")
        height, width = images[0].height_width
        places = outputs_named(description, settings.outputs or description.outputs, self.name)

        def read(outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Boxes]:
            chosen = [np.asarray(outputs[place], np.float32) for place in places]
            found = candidates(settings, chosen, (width, height))
            return [_detections(settings, *pair) for pair in zip(found, fits, strict=True)]

        return read

    def as_truth(self, prediction: Boxes, label: Boxes | None = None) -> Boxes:
        """The labels, or what the source is sure of."""
        if label is not None:
            return label
        sure = prediction.scores >= SURE
        return Boxes.of(prediction.corners[sure], prediction.classes[sure])

    def tally(self, settings: Detection, classes: Sequence[str]) -> AveragePrecision:
        """Of no image yet."""
        return AveragePrecision(settings.most_detections, len(classes))


def _detections(settings: Detection, found: Candidates, fit: Fit | None) -> Boxes:
    """The detections of one image, the best first, in pixels of its file."""
    corners, scores, classes = _chosen(settings, found)
    kept = _suppressed(settings, corners, scores, classes)[: settings.most_detections]
    corners = corners[kept] if fit is None else fit.to_file(corners[kept].reshape(-1, 2, 2)).reshape(-1, 4)
    return Boxes.of(corners, classes[kept], scores[kept])


def _chosen(
    settings: Detection, found: Candidates
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Candidates above the threshold, one a class."""
    if found.classes is not None:
        places = np.flatnonzero(found.scores >= settings.score_threshold)
        return found.corners[places], found.scores[places], found.classes[places]
    places, classes = np.nonzero(found.scores >= settings.score_threshold)
    return found.corners[places], found.scores[places, classes], classes.astype(np.int64)


def _suppressed(
    settings: Detection, corners: NDArray[np.float32], scores: NDArray[np.float32], classes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Places of the boxes that are left, the best first."""
    if settings.iou_threshold is None:
        return np.argsort(-scores, kind="stable")
    torch, boxes = load_torch(), load_torchvision().ops
    groups = np.zeros_like(classes) if settings.class_agnostic else classes
    given = (torch.from_numpy(np.ascontiguousarray(value)) for value in (corners, scores, groups))
    return np.asarray(boxes.batched_nms(*given, settings.iou_threshold).numpy(), np.int64)


TASK = DetectionTask()
