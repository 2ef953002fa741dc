"""Audio: a class a clip, or a score of one thing that is heard or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against, Guess
from exporter.datasets.truths import Fit, TruthKind
from exporter.tasks.audio.equal_error import equal_error_rate
from exporter.tasks.audio.settings import Audio
from exporter.tasks.choices import right_by_class
from exporter.tasks.outputs import best_of, check_names, unlike, vector_output
from exporter.tasks.task import Figures, Metric, Reader


@dataclass(frozen=True)
class Heard:
    """What a model says of a clip.

    Attributes:
        best: class; -1 where a score is NaN.
        score: how sure it is of class 1; -inf where that is NaN.
    """

    best: int
    score: float


@dataclass(frozen=True)
class AudioTask:
    """Implements `Task`; predictions are `Heard`, truths int."""

    name = "audio"
    truths: tuple[TruthKind, ...] = ("class",)
    holds_source = False

    def metrics(self, settings: Audio, against: Against) -> tuple[Metric, ...]:
        """Top-1 a clip; of one thing that is heard or not, the equal error rate first."""
        top1 = Metric("top1", "top-1", "%", "clip_top1_drop_points")
        if settings.scores == "classes":
            return (top1,)
        error = Metric("eer", "equal error rate", "%", "eer_rise_points", higher_is_better=False, useless=0.5)
        return error, top1

    def reader(self, settings: Audio, description: SourceDescription) -> Reader:
        """Reads one output of scores.

        Raises:
            UsageProblem: there is no such output, or it has another number of classes.
        """
        binary = settings.scores == "binary"
        wanted = "scores (N, 1) or (N, 2) of a thing that is heard or not" if binary else "scores (N, classes)"
        place = vector_output(description, settings.output, self.name, wanted)
        classes = description.output_shapes[place][1]
        if binary and classes > 2:
            raise unlike(description, place, self.name, wanted)
        if not binary:
            check_names(description, place, classes, self.name, len(settings.names(description.labels)))
        return partial(_heard, place, settings.threshold if classes == 1 else None)

    def as_truth(self, settings: Audio, prediction: Heard, label: int | None = None) -> int:
        """The label, or the source's class."""
        return prediction.best if label is None else int(label)

    def tally(self, settings: Audio, classes: Sequence[str]) -> "Clips":
        """Of no clip yet."""
        return Clips(settings.scores == "binary", len(classes))


def _heard(
    place: int, threshold: float | None, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]
) -> list[Heard]:
    given = np.asarray(outputs[place], np.float64)
    rows: NDArray[np.float64] = given.reshape(len(given), -1)
    if threshold is not None:
        rows = np.concatenate([np.full_like(rows, threshold), rows], 1)
    with np.errstate(invalid="ignore"):
        sure = rows[:, min(1, rows.shape[1] - 1)] - rows[:, 0]
    scores = np.where(np.isnan(sure), -np.inf, sure)
    return [Heard(*pair) for pair in zip(best_of(rows).tolist(), scores.tolist(), strict=True)]


@dataclass
class Clips:
    """Right and wrong clips, and their scores."""

    binary: bool
    classes: int
    labels: list[int] = field(default_factory=list)
    best: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(self, prediction: Heard, truth: int) -> None:
        """Take in one clip."""
        self.labels.append(truth)
        self.best.append(prediction.best)
        self.scores.append(prediction.score)

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``top1``, also a class, and ``eer`` of binary scores."""
        right = np.equal(self.best, self.labels) & (np.array(self.best) >= 0)
        share, counts = right_by_class(self.labels, right.tolist(), sample, self.classes)
        values = {"top1": float(right[sample].mean())}
        if self.binary:
            values["eer"] = equal_error_rate(np.array(self.scores)[sample], np.array(self.labels)[sample] == 1)
        named = int((counts > 0).sum())
        guesses = {"top1": Guess(answers=len(sample), share=1 / named)} if named > 1 else {}
        return Figures(values, {"top1": share}, counts, guesses=guesses)


TASK = AudioTask()
