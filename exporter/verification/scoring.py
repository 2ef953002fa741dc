"""Outputs judged by the task that the model does: against labels, or against the source's own results."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.drawings import Drawing, Shown
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against, TaskFacts
from exporter.data.settings.task import TaskSettings
from exporter.datasets.dataset import Dataset
from exporter.datasets.truths import TruthKind
from exporter.tasks.drawings import drawing_of
from exporter.tasks.paired import losses
from exporter.tasks.registry import task_named
from exporter.tasks.task import Metric, Reader, Tally, Task
from exporter.verification.shown import shown, worst

Outputs = Sequence[NDArray[Any]]


@dataclass
class Scores:
    """What one model gives for the examples, counted once each.

    Attributes:
        read: makes predictions of outputs.
        truth: of an example, by its index and this model's prediction of it.
        names: of the classes.
        counted: indices of the examples in the order of the tally.
        drawn: what can be drawn of each, by index.
        pictures: of what is drawn, in base64 by name.
    """

    data: Dataset
    read: Reader
    truth: Callable[[int, Any], Any]
    tally: Tally
    names: tuple[str, ...] = ()
    counted: dict[int, None] = field(default_factory=dict)
    drawn: dict[int, Drawing] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)

    def take(self, run: Sequence[int], outputs: Outputs) -> None:
        """The outputs of one run; an example that fills up a run and was counted is left out."""
        fits = [self.data.fit(index) if self.data.fit else None for index in run]
        for index, fit, prediction in zip(run, fits, self.read(outputs, fits), strict=True):
            if index not in self.counted:
                self.counted[index] = None
                self.tally.add(prediction, self.truth(index, prediction))
                if (drawing := drawing_of(prediction, fit, self.names, self.pictures)) is not None:
                    self.drawn[index] = drawing


@dataclass
class Scoring:
    """A task on a data set: the source's scores, and what an artifact is to find.

    Attributes:
        own: truths that the source's predictions are part of, by example; empty where labels alone are.
    """

    task: Task
    settings: TaskSettings
    description: SourceDescription
    data: Dataset
    read: Reader
    names: tuple[str, ...]
    own: dict[int, Any] = field(default_factory=dict)
    source: Scores = field(init=False)

    def __post_init__(self) -> None:
        self.source = self._scores(self.read, self._remembered)

    @property
    def labelled(self) -> bool:
        """Whether the data says what is true."""
        return self.data.truths is not None or self.data.labels is not None

    @property
    def against(self) -> Against:
        """What both are measured by."""
        return "labels" if self.labelled else "source"

    def artifact(self, read: Reader | None = None) -> Scores:
        """Of an artifact, none yet.

        Args:
            read: its outputs; None where they are as the source's.
        """
        return self._scores(read or self.read, self._known)

    def facts(self, artifact: Scores) -> TaskFacts:
        """Both side by side."""
        if list(artifact.counted) != list(self.source.counted):
            raise AssertionError("source and artifact are scored on the same examples, in the same order")
        examples = len(self.source.counted)
        metrics = self.task.metrics(self.settings, self.against)
        pictures = self.source.pictures | artifact.pictures
        examples_shown = tuple(self._worst(metrics[0], artifact, pictures)) if self.source.drawn else ()
        return TaskFacts(
            task=self.settings.kind,
            against=self.against,
            examples=examples,
            metrics=losses(metrics, self.source.tally, artifact.tally, examples, self.names),
            empty=self.source.tally.figures(np.arange(examples)).empty,
            shown=examples_shown,
            pictures={name: pictures[name] for one in examples_shown for name in one.pictures},
        )

    def _worst(self, metric: Metric, artifact: Scores, pictures: dict[str, str]) -> Iterator[Shown]:
        indices = list(self.source.counted)
        for place, loss in worst(metric, self.source.tally, artifact.tally, len(indices)):
            index = indices[place]
            fit = self.data.fit(index) if self.data.fit else None
            truth = drawing_of(self._label(index), fit, self.names, pictures) if self.labelled else None
            found = self.source.drawn[index], artifact.drawn[index], truth
            example = shown(self.data, index, self.description, found, (metric.title, loss), pictures)
            if example is not None:
                yield example

    def _scores(self, read: Reader, truth: Callable[[int, Any], Any]) -> Scores:
        return Scores(self.data, read, truth, self.task.tally(self.settings, self.names), self.names)

    def _remembered(self, index: int, prediction: Any) -> Any:
        """What the source's own prediction is measured by, kept for the artifact where it is part of it."""
        truth = self.task.as_truth(self.settings, prediction, self._label(index))
        if self.task.holds_source or not self.labelled:
            self.own[index] = truth
        return truth

    def _known(self, index: int, prediction: Any) -> Any:
        """What an artifact's prediction is measured by."""
        return (
            self.own[index] if index in self.own else self.task.as_truth(self.settings, prediction, self._label(index))
        )

    def _label(self, index: int) -> Any:
        if self.data.truths is not None:
            return self.data.truths(index)
        return None if self.data.labels is None else self.data.labels[index]


def scoring(settings: TaskSettings | None, description: SourceDescription, data: Dataset) -> Scoring | None:
    """The task of a model on `data`; None where the user names no task.

    Raises:
        UsageProblem: the data's labels are of another task, or the outputs are not what the settings say.
    """
    if not fits(settings, data):
        raise UsageProblem(_unfit(settings, data))
    if settings is None:
        return None
    task = task_named(settings.kind)
    names = data.class_names or settings.names(description.labels)
    return Scoring(task, settings, description, data, task.reader(settings, description), names)


def fits(settings: TaskSettings | None, data: Dataset) -> bool:
    """Whether what is known of the data, if anything, is what the task is measured by; without a task, a class."""
    kind = _kind(data)
    return kind is None or kind in (("class",) if settings is None else task_named(settings.kind).truths)


def _kind(data: Dataset) -> TruthKind | None:
    return "class" if data.truth_kind is None and data.labels is not None else data.truth_kind


def _unfit(settings: TaskSettings | None, data: Dataset) -> str:
    known = f"data {data.name} has {_WORDS[_kind(data) or 'class']}"
    if settings is None:
        return f'{known}: say by [model] task what the outputs mean, such as task = "detection".'
    needed = " or ".join(_WORDS[kind] for kind in task_named(settings.kind).truths)
    return (
        f"{known}, and [model] task is {settings.kind}, which needs {needed}. Give such data, or data without labels, "
        "where the source's own results count."
    )


_WORDS: dict[TruthKind, str] = {
    "class": "a class an example",
    "boxes": "boxes with classes",
    "classes_map": "a class a pixel",
    "instances": "outlined objects",
    "poses": "named points",
    "depth": "depth maps",
    "image": "images to be made",
    "text": "texts",
    "tokens": "a class a token",
    "values": "numbers",
}
