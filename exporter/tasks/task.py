"""Task: what a model's outputs mean, and how well they do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against, Guess
from exporter.datasets.truths import Fit, TruthKind

Reader = Callable[[Sequence[NDArray[Any]], Sequence[Fit | None]], Sequence[Any]]
"""Outputs of one run of a model, in the order of the source, to a prediction an example of the run."""


@dataclass(frozen=True)
class Metric:
    """A figure that a task computes.

    Attributes:
        name: in records.
        title: in reports.
        unit: ``%`` where the figure lies in [0, 1].
        tolerance: the field of `Tolerances` that limits its loss, or that holds the limits of several by name.
        useless: a source with this figure or a worse one does not do the task, so that no artifact is judged by it.
    """

    name: str
    title: str
    unit: str
    tolerance: str
    higher_is_better: bool = True
    useless: float | None = None


@dataclass(frozen=True)
class Figures:
    """Metrics of some examples.

    Attributes:
        values: metric -> figure; NaN where the examples hold nothing that it is of.
        classes: metric -> figure a class; metrics without classes are left out.
        counts: examples that hold each class.
        empty: examples in which there is nothing to find, each counted as often as it is named.
        guesses: metric -> what guessing gives, for shares of right answers.
    """

    values: Mapping[str, float]
    classes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    empty: int = 0
    guesses: Mapping[str, Guess] = field(default_factory=dict)


class Tally(Protocol):
    """What metrics need to know of each example, so that figures of any sample of them cost no new matching."""

    def add(self, prediction: Any, truth: Any) -> None:
        """Take in the next example."""
        ...

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """Of the examples at these places, one that is named twice counted twice."""
        ...


class Task(Protocol):
    """One kind of task.

    Attributes:
        name: in settings and records.
        truths: what kinds of truth its labels can be.
        holds_source: whether `as_truth` makes use of the source's prediction also where there is a label.
    """

    name: str
    truths: tuple[TruthKind, ...]
    holds_source: bool

    def metrics(self, settings: Any, against: Against) -> tuple[Metric, ...]:
        """What it computes; the first is the one that reports lead with.

        Args:
            settings: of the task's own type.
            against: what predictions are measured by; a metric that means nothing without labels is left out without.
        """
        ...

    def reader(self, settings: Any, description: SourceDescription) -> Reader:
        """Reads outputs.

        Raises:
            UsageProblem: the outputs are not what the settings say.
        """
        ...

    def as_truth(self, settings: Any, prediction: Any, label: Any = None) -> Any:
        """What a tally measures predictions of an example by.

        Args:
            settings: of the task's own type.
            prediction: of the source for this example; of any model where there is a label and not `holds_source`.
            label: of the data; None where there are none and the source's own prediction counts (agreement).
        """
        ...

    def tally(self, settings: Any, classes: Sequence[str]) -> Tally:
        """An empty tally.

        Args:
            classes: names; empty where they are not known.
        """
        ...
