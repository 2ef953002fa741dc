"""Keypoints: named points, judged by COCO's average precision of poses and by how many points are right."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Boxes, Fit, Poses, TruthKind
from exporter.tasks.coco.matching import Matching
from exporter.tasks.coco.tally import AveragePrecision, annotations
from exporter.tasks.detection.selection import in_file
from exporter.tasks.keypoints.heads import Found, points_of, poses, wrong_shape
from exporter.tasks.keypoints.settings import Keypoints
from exporter.tasks.outputs import image_size, output_named, unlike
from exporter.tasks.sums import Sums, ratio
from exporter.tasks.task import Figures, Metric, Reader

COCO_SIGMAS = tuple(
    value / 10
    for value in (0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89)
)
"""Of nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles (pycocotools ``Params.setKpParams``)."""


@dataclass(frozen=True)
class KeypointsTask:
    """Implements `Task`; predictions and truths are `Poses`."""

    name = "keypoints"
    truths: tuple[TruthKind, ...] = ("poses",)
    holds_source = False

    def metrics(self, settings: Keypoints, against: Against) -> tuple[Metric, ...]:
        """Average precision over object keypoint similarity, and the share of right points."""
        return (
            Metric("oks_map", "OKS mAP", "%", "oks_map_drop_points", useless=0.01),
            Metric("oks_map50", "OKS mAP50", "%", "oks_map50_drop_points", useless=0.02),
            Metric("pck", f"PCK at {settings.pck_share:g}", "%", "pck_drop_points"),
        )

    def reader(self, settings: Keypoints, description: SourceDescription) -> Reader:
        """Reads the head that the settings name.

        Raises:
            UsageProblem: the model has no image input, not this output, or not as many points as there are sigmas.
        """
        size = image_size(description, self.name)
        place = output_named(description, settings.output, self.name)
        shape = description.output_shapes[place]
        wanted = wrong_shape(settings, shape)
        if wanted:
            raise unlike(description, place, f'{self.name}, head = "{settings.head}",', wanted)
        _check_sigmas(settings, description, place)

        def read(outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Poses]:
            found = poses(settings, np.asarray(outputs[place], np.float32), size)
            return [_poses(*pair) for pair in zip(found, fits, strict=True)]

        return read

    def as_truth(self, settings: Keypoints, prediction: Poses, label: Poses | None = None) -> Poses:
        """The labels, or what the source is sure of."""
        if label is not None:
            return label
        boxes, visible = prediction.boxes, prediction.visible
        sure = (boxes.scores >= settings.sure_score) & (boxes.areas > 0)
        return Poses(Boxes.of(boxes.corners[sure], boxes.classes[sure]), prediction.points[sure], visible[sure])

    def tally(self, settings: Keypoints, classes: Sequence[str]) -> "PosePrecision":
        """Of no image yet."""
        matching = Matching("keypoints", settings.most_detections, settings.sigmas or COCO_SIGMAS)
        return PosePrecision(AveragePrecision(matching, len(classes), "oks_"), settings.pck_share)


def _check_sigmas(settings: Keypoints, description: SourceDescription, place: int) -> None:
    shape = description.output_shapes[place]
    points, sigmas = points_of(settings, shape), len(settings.sigmas or COCO_SIGMAS)
    if points != sigmas:
        given = f"{sigmas} sigmas" if settings.sigmas else f"no sigmas, and COCO has those of its {sigmas} points"
        raise UsageProblem(
            f"[model.task] keypoints: output {description.outputs[place]} is {list(shape)}, which is {points} points, "
            f"and there are {given}. Give sigmas = [...], one a point."
        )


def _poses(found: Found, fit: Fit | None) -> Poses:
    """In pixels of the file."""
    points = found.points if fit is None else fit.to_file(found.points)
    if found.corners is None:
        corners = np.concatenate([points.min(1), points.max(1)], 1)
    else:
        corners = in_file(found.corners, fit)
    return Poses(Boxes.of(corners, found.classes, found.scores), points, np.full(points.shape[:2], 2))


@dataclass
class PosePrecision:
    """A tally of `Poses` against `Poses`.

    PCK (Yang and Ramanan, "Articulated Pose Estimation with Flexible Mixtures-of-Parts", 2011) is of the found pose
    that is nearest to each that is to be found.
    """

    precision: AveragePrecision
    share: float
    sums: Sums = field(default_factory=Sums)

    def add(self, prediction: Poses, truth: Poses) -> None:
        """Take in one image.

        Raises:
            UsageProblem: the poses have other numbers of points.
        """
        if truth.points.shape[1] != prediction.points.shape[1] and len(truth.points):
            raise UsageProblem(
                f"keypoints: the output has {prediction.points.shape[1]} points a pose and the labels "
                f"{truth.points.shape[1]}; give labels of the points that the model finds, in its order."
            )
        self.precision.add(_annotations(prediction), _annotations(truth))
        self.sums.add([self._right(prediction, truth), (truth.visible[~truth.boxes.crowd] > 0).sum()])

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``oks_map`` and ``oks_map50`` as COCO's, and ``pck``."""
        figures = self.precision.figures(sample)
        values = {**figures.values, "pck": ratio(*self.sums.of(sample))}
        return Figures(values, figures.classes, figures.counts, figures.empty)

    def _right(self, prediction: Poses, truth: Poses) -> int:
        if not len(prediction.points):
            return 0
        boxes = truth.boxes
        most = self.share * (boxes.corners[:, 2:] - boxes.corners[:, :2]).max(1, initial=0)
        rows = zip(truth.points, truth.visible > 0, most, strict=True)
        return sum(_near(prediction.points, *row) for row, crowd in zip(rows, boxes.crowd, strict=True) if not crowd)


def _near(
    found: NDArray[np.float32], wanted: NDArray[np.float32], labelled: NDArray[np.bool_], most: np.float32
) -> int:
    """How many labelled points of the nearest pose are at most so far off."""
    off = np.linalg.norm(found - wanted, axis=2)[:, labelled]
    return int((off[off.sum(1).argmin()] <= most).sum())


def _annotations(given: Poses) -> list[dict[str, object]]:
    rows = np.concatenate([given.points, given.visible[..., None]], 2).astype(float)
    counts = (given.visible > 0).sum(1)
    return [
        {**one, "keypoints": row.ravel().tolist(), "num_keypoints": int(count)}
        for one, row, count in zip(annotations(given.boxes), rows, counts, strict=True)
    ]


TASK = KeypointsTask()
