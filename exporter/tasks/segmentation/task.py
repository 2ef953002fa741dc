"""Semantic segmentation: a class for every pixel of the model's input, or for every point of a volume."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Fit, TruthKind
from exporter.execution.heavy import load_torch
from exporter.tasks.outputs import best_of, channels_last, check_names, output_of_rank
from exporter.tasks.segmentation.borders import band_width, borders
from exporter.tasks.segmentation.settings import Segmentation
from exporter.tasks.sums import Sums, mean_of_known, ratio
from exporter.tasks.task import Figures, Metric, Reader

ClassMap = NDArray[np.int64]


@dataclass(frozen=True)
class SegmentationTask:
    """Implements `Task`; predictions and truths are int64 (height, width), or (depth, height, width)."""

    name = "segmentation"
    truths: tuple[TruthKind, ...] = ("classes_map",)
    holds_source = False

    def metrics(self, settings: Segmentation, against: Against) -> tuple[Metric, ...]:
        """IoU over classes, whole and along borders, and right pixels."""
        return (
            Metric("miou", "mean IoU", "%", "miou_drop_points"),
            Metric("boundary_iou", "boundary IoU", "%", "boundary_iou_drop_points"),
            Metric("pixel_accuracy", "pixel accuracy", "%", "pixel_accuracy_drop_points"),
        )

    def reader(self, settings: Segmentation, description: SourceDescription) -> Reader:
        """Reads one output of scores, or of classes.

        Raises:
            UsageProblem: there is no such output, it is no map, or has another number of classes than there are names.
        """
        wanted = (
            "scores (N, classes, H, W), (N, H, W, classes) where the input is so, (N, classes, D, H, W) of volumes, or "
            "classes (N, H, W)"
        )
        place = output_of_rank(description, settings.output, self.name, (3, 4, 5), wanted)
        shape = description.output_shapes[place]
        if len(shape) == 3:
            return partial(_class_maps, place)
        axis = 3 if len(shape) == 4 and channels_last(description) else 1
        if shape[axis] > 1:
            check_names(description, place, shape[axis], self.name, len(settings.names(description.labels)))
        images = [spec.height_width for spec in description.inputs if spec.image is not None and len(shape) == 4]
        return partial(_best_classes, place, axis, settings.threshold, images[0] if images else None)

    def as_truth(self, settings: Segmentation, prediction: ClassMap, label: ClassMap | None = None) -> ClassMap:
        """The labels, or the source's map."""
        return prediction if label is None else label

    def tally(self, settings: Segmentation, classes: Sequence[str]) -> "Overlaps":
        """Overlaps of no example yet."""
        return Overlaps(settings.ignore, settings.boundary)


def _class_maps(place: int, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[ClassMap]:
    return list(np.rint(np.asarray(outputs[place])).astype(np.int64))


def _best_classes(
    place: int,
    axis: int,
    threshold: float,
    size: tuple[int, int] | None,
    outputs: Sequence[NDArray[Any]],
    fits: Sequence[Fit | None],
) -> list[ClassMap]:
    scores = _sized(np.moveaxis(np.asarray(outputs[place], np.float32), axis, 1), size)
    if scores.shape[1] == 1:
        return list((scores[:, 0] > threshold).astype(np.int64))
    return list(best_of(np.moveaxis(scores, 1, -1)))


def _sized(scores: NDArray[np.float32], size: tuple[int, int] | None) -> NDArray[np.float32]:
    """Scores at every pixel of the input, where a model gives fewer (bilinear, as such models are trained)."""
    if size is None or scores.shape[2:] == size:
        return scores
    torch = load_torch()
    given = torch.from_numpy(np.ascontiguousarray(scores))
    return np.asarray(torch.nn.functional.interpolate(given, size, mode="bilinear", align_corners=False))


@dataclass
class Overlaps:
    """For each class: pixels in both, in the prediction, in the truth; whole, and of the bands inside the borders.

    Mean IoU is that of torchmetrics' ``MulticlassJaccardIndex``: over all pixels of all images, and over the classes
    that are there, in the truth or the prediction.
    """

    ignore: int
    boundary: float
    whole: Sums = field(default_factory=Sums)
    borders: Sums = field(default_factory=Sums)

    def add(self, prediction: ClassMap, truth: ClassMap) -> None:
        """Take in one example.

        Raises:
            UsageProblem: the maps have other sizes.
        """
        if prediction.shape != truth.shape:
            raise UsageProblem(
                f"segmentation: the scores are of {list(prediction.shape)} pixels and the labels of "
                f"{list(truth.shape)}; give labels of the input's size."
            )
        counted = (truth != self.ignore) & (truth >= 0)
        found = np.where(counted, prediction, self.ignore)
        self.whole.add(_overlap(found, truth, counted, counted))
        width = band_width(truth.shape, self.boundary)
        self.borders.add(_overlap(found, truth, counted & borders(found, width), counted & borders(truth, width)))

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``miou``, also a class, ``boundary_iou`` and ``pixel_accuracy``."""
        both, found, wanted = self.whole.of(sample)
        of_class = _iou(both, found, wanted)
        values = {
            "miou": mean_of_known(of_class),
            "boundary_iou": mean_of_known(_iou(*self.borders.of(sample))),
            "pixel_accuracy": ratio(both.sum(), wanted.sum()),
        }
        shown = self.whole.table[:, 2]
        counts = (shown[np.unique(sample)] > 0).sum(0)
        return Figures(values, {"miou": of_class}, counts, int((shown[sample].sum(1) == 0).sum()))


def _overlap(
    prediction: ClassMap, truth: ClassMap, found: NDArray[np.bool_], wanted: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Pixels a class in both, in `found` and in `wanted`."""
    found = found & (prediction >= 0)
    size = int(max(prediction[found].max(initial=0), truth[wanted].max(initial=0))) + 1
    masks = (prediction, found & wanted & (prediction == truth)), (prediction, found), (truth, wanted)
    return np.stack([np.bincount(classes[mask], minlength=size) for classes, mask in masks])


def _iou(both: NDArray[Any], found: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.float64]:
    union = found + wanted - both
    return np.where(union > 0, both / np.maximum(union, 1), np.nan)


TASK = SegmentationTask()
