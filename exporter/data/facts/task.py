"""How well an artifact does its task against its source, in the task's own metrics."""

from typing import Literal

from exporter.data.base import Frozen
from exporter.data.facts.drawings import Shown

Against = Literal["labels", "source"]


class ClassFigure(Frozen):
    """A metric of one class.

    Attributes:
        examples: that hold the class.
    """

    name: str
    examples: int
    source: float
    artifact: float


class Guess(Frozen):
    """What guessing gives for a share of right answers, by the labels alone.

    Attributes:
        answers: that the share is of.
        share: of them that a guess gets right, below 1.
    """

    answers: int
    share: float


class MetricFact(Frozen):
    """One metric of source and artifact on the same examples.

    Attributes:
        name: such as ``map`` or ``miou``.
        title: in sentences.
        tolerance: the field of `TaskTolerances` that limits the loss.
        unit: ``%`` of what lies in [0, 1], ``dB``, or empty for the unit of the outputs and for none.
        higher_is_better: which way is a loss.
        loss: how much worse the artifact is, in `unit`; points where that is ``%``.
        low: end of the two-sided 95 % interval of `loss`, from resampled examples (paired bootstrap); infinite where it
            is not known.
        high: the other end.
        useless: whether the source's own figure says that it does not do the task.
        guess: what guessing gives; None where that is not known, or it is no share of right answers.
        classes: the same metric a class, the worst loss first; empty where it has no classes.
    """

    name: str
    title: str
    tolerance: str
    unit: str
    higher_is_better: bool
    source: float
    artifact: float
    loss: float
    low: float
    high: float
    useless: bool = False
    guess: Guess | None = None
    classes: tuple[ClassFigure, ...] = ()


class TaskFacts(Frozen):
    """What a task found.

    Attributes:
        task: its name.
        against: labels, or the source's own predictions where there are none (agreement).
        examples: judged.
        empty: examples in which there is nothing to find.
        shown: examples on which the artifact is worst against the source, by the first metric; empty where it is worse
            on none, and for tasks without pictures.
        pictures: those of `shown` in base64 by name; empty in records, beside which they lie as files.
    """

    task: str
    against: Against
    examples: int
    metrics: tuple[MetricFact, ...]
    empty: int = 0
    shown: tuple[Shown, ...] = ()
    pictures: dict[str, str] = {}

    @property
    def agreed(self) -> frozenset[str]:
        """Tolerances that agreement with the source answers, because there are no labels."""
        return frozenset(metric.tolerance for metric in self.metrics if self.against == "source")
