"""Detection: boxes with classes, judged by COCO's average precision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Boxes, Fit, TruthKind
from exporter.tasks.coco.matching import Matching
from exporter.tasks.coco.tally import AveragePrecision
from exporter.tasks.detection.average_precision import BoxPrecision
from exporter.tasks.detection.heads import Candidates, candidates
from exporter.tasks.detection.selection import in_file, selected
from exporter.tasks.detection.settings import Detection
from exporter.tasks.outputs import image_size, outputs_named, try_shapes
from exporter.tasks.task import Metric, Reader


@dataclass(frozen=True)
class DetectionTask:
    """Implements `Task`; predictions and truths are `Boxes`."""

    name = "detection"
    truths: tuple[TruthKind, ...] = ("boxes",)
    holds_source = False

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
        size = image_size(description, self.name)
        places = outputs_named(description, settings.outputs or description.outputs, self.name)

        try_shapes(description, places, lambda zeros: candidates(settings, zeros, size))

        def read(outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Boxes]:
            chosen = [np.asarray(outputs[place], np.float32) for place in places]
            found = candidates(settings, chosen, size)
            return [_detections(settings, *pair) for pair in zip(found, fits, strict=True)]

        return read

    def as_truth(self, settings: Detection, prediction: Boxes, label: Boxes | None = None) -> Boxes:
        """The labels, or what the source is sure of."""
        if label is not None:
            return label
        sure = prediction.scores >= settings.sure_score
        return Boxes.of(prediction.corners[sure], prediction.classes[sure])

    def tally(self, settings: Detection, classes: Sequence[str]) -> BoxPrecision:
        """Of no image yet."""
        return BoxPrecision(AveragePrecision(Matching("bbox", settings.most_detections), len(classes)))


def _detections(settings: Detection, found: Candidates, fit: Fit | None) -> Boxes:
    """The detections of one image, the best first, in pixels of its file."""
    kept = selected(settings, found)
    return Boxes.of(in_file(kept.corners, fit), kept.classes, kept.scores)


TASK = DetectionTask()
