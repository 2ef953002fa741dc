"""Classification: one class an example, and how sure the model is of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Fit, TruthKind
from exporter.tasks.choices import right_by_class
from exporter.tasks.classification.settings import Classification
from exporter.tasks.outputs import best_of, check_names, vector_output
from exporter.tasks.sums import Sums, ratio
from exporter.tasks.task import Figures, Metric, Reader

FIRST = 5


@dataclass(frozen=True)
class Choice:
    """What a classifier says of an example.

    Attributes:
        best: int64, up to five classes, the likeliest first; -1 where a score is NaN.
        confidence: probability of the first.
    """

    best: NDArray[np.int64]
    confidence: float


@dataclass(frozen=True)
class ClassificationTask:
    """Implements `Task`; predictions are `Choice`, truths int."""

    name = "classification"
    truths: tuple[TruthKind, ...] = ("class",)
    holds_source = False

    def metrics(self, settings: Classification, against: Against) -> tuple[Metric, ...]:
        """Top-1 and top-5; with labels also the expected calibration error (Guo et al. 2017)."""
        found = (
            Metric("top1", "top-1", "%", "top1_drop_points"),
            Metric("top5", "top-5", "%", "top5_drop_points"),
        )
        error = Metric("calibration", "calibration error", "%", "calibration_rise_points", higher_is_better=False)
        return (*found, error) if against == "labels" else found

    def reader(self, settings: Classification, description: SourceDescription) -> Reader:
        """Reads one output of scores.

        Raises:
            UsageProblem: there is no such output, or it has another number of classes than there are names.
        """
        place = vector_output(description, settings.output, self.name, "scores (N, classes)")
        classes = description.output_shapes[place][1]
        check_names(description, place, classes, self.name, len(settings.names(description.labels)))
        return partial(_choices, place, settings.scores == "logits")

    def as_truth(self, settings: Classification, prediction: Choice, label: int | None = None) -> int:
        """The label, or the source's first class."""
        return int(prediction.best[0]) if label is None else int(label)

    def tally(self, settings: Classification, classes: Sequence[str]) -> "Choices":
        """Of no example yet."""
        return Choices(settings.bins, len(classes))


def _choices(place: int, logits: bool, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Choice]:
    scores = np.asarray(outputs[place], np.float64)
    return [_choice(row.reshape(-1), logits) for row in scores]


def _choice(scores: NDArray[np.float64], logits: bool) -> Choice:
    if best_of(scores) < 0:
        return Choice(np.full(1, -1), 0.0)
    best = np.argsort(-scores, kind="stable")[:FIRST]
    powers = np.exp(scores - scores[best[0]]) if logits else scores
    return Choice(best, float(powers[best[0]] / powers.sum()) if logits else float(scores[best[0]]))


@dataclass
class Choices:
    """Right and wrong choices, and the confidence in bins.

    The calibration error is that of torchmetrics' ``MulticlassCalibrationError`` with the norm ``l1``.
    """

    bins: int
    classes: int
    labels: list[int] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)

    def add(self, prediction: Choice, truth: int) -> None:
        """Take in one example."""
        right = bool(prediction.best[0] == truth >= 0)
        gap = np.zeros(self.bins + 1)
        gap[self._bin(prediction.confidence)] = right - prediction.confidence
        self.labels.append(truth)
        self.right.append(right)
        self.sums.add([1, right, right or truth in prediction.best[1:], *gap])

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``top1``, also a class, ``top5`` and ``calibration``."""
        count, first, among, *gaps = self.sums.of(sample)
        values = {
            "top1": ratio(first, count),
            "top5": ratio(among, count),
            "calibration": ratio(float(np.abs(gaps).sum()), count),
        }
        share, counts = right_by_class(self.labels, self.right, sample, self.classes)
        return Figures(values, {"top1": share}, counts)

    def _bin(self, confidence: float) -> int:
        """The last bin is that of 1 alone."""
        edges = np.linspace(0, 1, self.bins + 1)
        return int(np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, self.bins))


TASK = ClassificationTask()
