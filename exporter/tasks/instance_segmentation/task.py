"""Instance segmentation: objects with their outlines, judged by COCO's average precision of masks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Boxes, Fit, Instances, TruthKind
from exporter.execution.heavy import load
from exporter.tasks.coco.matching import Matching
from exporter.tasks.coco.tally import AveragePrecision, annotations
from exporter.tasks.detection.heads import Size
from exporter.tasks.detection.selection import in_file, selected
from exporter.tasks.instance_segmentation.heads import Outlined, outlined
from exporter.tasks.instance_segmentation.masks import inside_boxes, masks_in_file
from exporter.tasks.instance_segmentation.settings import InstanceSegmentation
from exporter.tasks.outputs import image_size, outputs_named, try_shapes
from exporter.tasks.task import Figures, Metric, Reader


@dataclass(frozen=True)
class InstanceSegmentationTask:
    """Implements `Task`; predictions and truths are `Instances`."""

    name = "instance_segmentation"
    truths: tuple[TruthKind, ...] = ("instances",)
    holds_source = False

    def metrics(self, settings: InstanceSegmentation, against: Against) -> tuple[Metric, ...]:
        """Average precision of masks."""
        return (
            Metric("mask_map", "mask mAP50-95", "%", "mask_map_drop_points", useless=0.01),
            Metric("mask_map50", "mask mAP50", "%", "mask_map50_drop_points", useless=0.02),
        )

    def reader(self, settings: InstanceSegmentation, description: SourceDescription) -> Reader:
        """Reads the head that the settings name.

        Raises:
            UsageProblem: the model has no image input, or not these outputs.
        """
        size = image_size(description, self.name)
        places = outputs_named(description, settings.outputs or description.outputs, self.name)

        try_shapes(description, places, lambda zeros: outlined(settings, zeros, size))

        def read(outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Instances]:
            chosen = [np.asarray(outputs[place], np.float32) for place in places]
            found = outlined(settings, chosen, size)
            return [_instances(settings, one, fit, size) for one, fit in zip(found, fits, strict=True)]

        return read

    def as_truth(
        self, settings: InstanceSegmentation, prediction: Instances, label: Instances | None = None
    ) -> Instances:
        """The labels, or what the source is sure of."""
        if label is not None:
            return label
        boxes, masks = prediction.boxes, prediction.masks
        sure = (boxes.scores >= settings.sure_score) & masks.any((1, 2))
        return Instances(Boxes.of(boxes.corners[sure], boxes.classes[sure], areas=boxes.areas[sure]), masks[sure])

    def tally(self, settings: InstanceSegmentation, classes: Sequence[str]) -> "MaskPrecision":
        """Of no image yet."""
        return MaskPrecision(AveragePrecision(Matching("segm", settings.most_detections), len(classes), "mask_"))


def _instances(settings: InstanceSegmentation, found: Outlined, fit: Fit | None, size: Size) -> Instances:
    """The objects of one image, the best first, in pixels of its file."""
    kept = selected(settings.boxes, found.boxes)
    corners = in_file(kept.corners, fit)
    masks = masks_in_file(found.masks(kept.places), found.level, fit, size)
    masks = inside_boxes(masks, corners) if settings.head == "yolo" else masks
    boxes = Boxes.of(corners, kept.classes, kept.scores, areas=masks.sum((1, 2)))
    return Instances(boxes, masks)


@dataclass
class MaskPrecision:
    """A tally of `Instances` against `Instances`; masks are kept as runs."""

    precision: AveragePrecision

    def add(self, prediction: Instances, truth: Instances) -> None:
        """Take in one image.

        Raises:
            UsageProblem: the masks have other sizes.
        """
        sizes = [list(one.masks.shape[1:]) for one in (prediction, truth)]
        if len(prediction.masks) and len(truth.masks) and sizes[0] != sizes[1]:
            raise UsageProblem(
                f"instance_segmentation: the masks that are found are of {sizes[0]} pixels and those of the labels of "
                f"{sizes[1]}; give masks of the size of the image's file."
            )
        self.precision.add(_annotations(prediction), _annotations(truth))

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """As COCO's."""
        return self.precision.figures(sample)


def _annotations(instances: Instances) -> list[dict[str, object]]:
    encode = load("pycocotools.mask").encode
    columns = np.asfortranarray(np.moveaxis(instances.masks, 0, -1).astype(np.uint8))
    runs = encode(columns) if len(instances.masks) else []
    boxes = replace(instances.boxes, areas=instances.masks.sum((1, 2)).astype(np.float32))
    return [{**one, "segmentation": run} for one, run in zip(annotations(boxes), runs, strict=True)]


TASK = InstanceSegmentationTask()
