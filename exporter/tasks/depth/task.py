"""Depth: a distance for every pixel, measured as by Eigen et al., "Depth Map Prediction from a Single Image", 2014."""

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
from exporter.tasks.depth.alignment import aligned
from exporter.tasks.depth.settings import Depth
from exporter.tasks.outputs import output_named, unlike
from exporter.tasks.sums import Sums, ratio
from exporter.tasks.task import Figures, Metric, Reader

Map = NDArray[np.float64]

NEAR = 1.25
"""delta1 counts pixels that are off by less than this factor."""


@dataclass(frozen=True)
class Surface:
    """What a map is measured by.

    Attributes:
        values: (height, width).
        own: whether it is the source's output as it is, and no distance of a label.
    """

    values: Map
    own: bool


@dataclass(frozen=True)
class DepthTask:
    """Implements `Task`; predictions are float64 (height, width), truths `Surface`."""

    name = "depth"
    truths: tuple[TruthKind, ...] = ("depth",)
    holds_source = False

    def metrics(self, settings: Depth, against: Against) -> tuple[Metric, ...]:
        """Relative error, root mean square error, and pixels within a factor of 1.25; the mean over images of each."""
        return (
            Metric("abs_rel", "AbsRel", "%", "abs_rel_rise_points", higher_is_better=False),
            Metric("rmse", "RMSE", "", "rmse_rise", higher_is_better=False),
            Metric("delta1", "delta1", "%", "delta1_drop_points"),
        )

    def reader(self, settings: Depth, description: SourceDescription) -> Reader:
        """Reads one map.

        Raises:
            UsageProblem: there is no such output, or it is no map.
        """
        place = output_named(description, settings.output, self.name)
        shape = description.output_shapes[place]
        if len(shape) not in (3, 4) or (len(shape) == 4 and 1 not in (shape[1], shape[3])):
            raise unlike(description, place, self.name, "a map (N, H, W), (N, 1, H, W) or (N, H, W, 1)")
        return partial(_maps, place, None if len(shape) == 3 else 1 if shape[1] == 1 else 3)

    def as_truth(self, settings: Depth, prediction: Map, label: Any = None) -> Surface:
        """The label, or the source's map as it is."""
        return Surface(prediction, True) if label is None else Surface(np.asarray(label, np.float64), False)

    def tally(self, settings: Depth, classes: Sequence[str]) -> "DepthErrors":
        """Of no image yet."""
        return DepthErrors(settings)


def _maps(place: int, axis: int | None, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Map]:
    given = np.asarray(outputs[place], np.float64)
    return list(given if axis is None else given.squeeze(axis))


@dataclass
class DepthErrors:
    """Errors of each image."""

    settings: Depth
    sums: Sums = field(default_factory=Sums)

    def add(self, prediction: Map, truth: Surface) -> None:
        """Take in one image.

        Raises:
            UsageProblem: the maps have other sizes.
        """
        if prediction.shape != truth.values.shape:
            raise UsageProblem(
                f"depth: the output is of {list(prediction.shape)} pixels and the labels of "
                f"{list(truth.values.shape)}; give labels of the output's size."
            )
        counted = np.isfinite(truth.values) & (truth.values > (0 if truth.own else self.settings.least))
        if not truth.own:
            counted &= truth.values < self.settings.most
        if not counted.any():
            self.sums.add(np.zeros(4))
            return
        wanted = truth.values[counted]
        given = prediction[counted] if truth.own else aligned(self.settings, prediction[counted], wanted)
        self.sums.add([1, *_errors(given, wanted)])

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``abs_rel``, ``rmse`` and ``delta1``."""
        images, relative, square, near = self.sums.of(sample)
        values = {"abs_rel": ratio(relative, images), "rmse": ratio(square, images), "delta1": ratio(near, images)}
        return Figures(values, empty=len(sample) - int(images))


def _errors(given: Map, wanted: Map) -> tuple[float, float, float]:
    off = given - wanted
    factor = np.maximum(given / wanted, wanted / np.where(given > 0, given, np.nan))
    near = np.nan_to_num(factor, nan=np.inf) < NEAR
    return float((np.abs(off) / wanted).mean()), float(np.sqrt((off**2).mean())), float(near.mean())


TASK = DepthTask()
