"""Semantic segmentation: a class for every pixel of the model's input."""

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
from exporter.execution.heavy import load
from exporter.tasks.outputs import output_named
from exporter.tasks.segmentation.settings import Segmentation
from exporter.tasks.task import Figures, Metric, Reader

ClassMap = NDArray[np.int64]


@dataclass(frozen=True)
class SegmentationTask:
    """Implements `Task`; predictions and truths are int64 (height, width)."""

    name = "segmentation"
    truths: tuple[TruthKind, ...] = ("classes_map",)

    def metrics(self, settings: Segmentation, against: Against) -> tuple[Metric, ...]:
        """IoU over classes, whole and along borders, and right pixels."""
        return (
            Metric("miou", "mean IoU", "%", "miou_drop_points"),
            Metric("boundary_iou", "boundary IoU", "%", "boundary_iou_drop_points"),
            Metric("pixel_accuracy", "pixel accuracy", "%", "pixel_accuracy_drop_points"),
        )

    def reader(self, settings: Segmentation, description: SourceDescription) -> Reader:
        """Reads one output of scores.

        Raises:
            UsageProblem: there is no such output, or it is no map of scores.
        """
        place = output_named(description, settings.output, self.name)
        shape = description.output_shapes[place]
        if len(shape) != 4:
            raise UsageProblem(
                f"[model.task] segmentation reads scores of shape (N, classes, height, width); output "
                f"{description.outputs[place]} is {list(shape)}."
            )
        images = [spec for spec in description.inputs if spec.image is not None]
        last = bool(images) and images[0].layout == "NHWC"
        return partial(_class_maps, place, -1 if last else 1, settings.threshold)

    def as_truth(self, prediction: ClassMap, label: ClassMap | None = None) -> ClassMap:
        """The labels, or the source's map."""
        return prediction if label is None else label

    def tally(self, settings: Segmentation, classes: Sequence[str]) -> "Overlaps":
        """Overlaps of no example yet."""
        return Overlaps(settings.ignore, settings.boundary)


def _class_maps(
    place: int, axis: int, threshold: float, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]
) -> list[ClassMap]:
    scores = np.moveaxis(np.asarray(outputs[place]), axis, 1)
    if scores.shape[1] == 1:
        return list((scores[:, 0] > threshold).astype(np.int64))
    return list(scores.argmax(1).astype(np.int64))


@dataclass
class Overlaps:
    """For each example and class: pixels in both, in the prediction, in the truth; whole and along borders.

    Attributes:
        whole: int64 (3, classes) an example, and so on.
    """

    ignore: int
    boundary: int
    whole: list[NDArray[np.int64]] = field(default_factory=list)
    borders: list[NDArray[np.int64]] = field(default_factory=list)

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
        counted = truth != self.ignore
        self.whole.append(_overlap(prediction[counted], truth[counted]))
        near = counted & (_border(truth, self.boundary) | _border(prediction, self.boundary))
        self.borders.append(_overlap(prediction[near], truth[near]))

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """Mean IoU over the classes that are there, in the truth or the prediction (torchmetrics ``MeanIoU``)."""
        both, found, wanted = _summed(self.whole, sample)
        of_class = _iou(both, found, wanted)
        edge = _iou(*_summed(self.borders, sample))
        pixels = max(1, int(wanted.sum()))
        values = {
            "miou": _mean(of_class),
            "boundary_iou": _mean(edge),
            "pixel_accuracy": float(both.sum()) / pixels,
        }
        counts = np.zeros(len(of_class), np.int64)
        for place in np.unique(sample):
            counts[: self.whole[place].shape[1]] += self.whole[place][2] > 0
        return Figures(values, {"miou": of_class}, counts)


def _overlap(prediction: ClassMap, truth: ClassMap) -> NDArray[np.int64]:
    size = int(max(prediction.max(initial=-1), truth.max(initial=-1))) + 1
    both = np.bincount(truth[truth == prediction], minlength=size)
    return np.stack([both, np.bincount(prediction, minlength=size), np.bincount(truth, minlength=size)])


def _summed(overlaps: Sequence[NDArray[np.int64]], sample: NDArray[np.intp]) -> NDArray[np.int64]:
    size = max((one.shape[1] for one in overlaps), default=0)
    total = np.zeros((3, size), np.int64)
    places, times = np.unique(sample, return_counts=True)
    for place, count in zip(places, times, strict=True):
        total[:, : overlaps[place].shape[1]] += count * overlaps[place]
    return total


def _iou(both: NDArray[np.int64], found: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    union = found + wanted - both
    return np.where(union > 0, both / np.maximum(union, 1), np.nan)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _border(classes: ClassMap, width: int) -> NDArray[np.bool_]:
    """Pixels within `width` of another class."""
    images = load("scipy.ndimage")
    size = 2 * width + 1
    return np.asarray(images.maximum_filter(classes, size) != images.minimum_filter(classes, size))


TASK = SegmentationTask()
