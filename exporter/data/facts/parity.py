"""How an artifact's outputs compare with its source's, in numbers; `exporter.gates.parity` judges them."""

from collections.abc import Mapping
from typing import Literal

from exporter.data.base import Frozen
from exporter.data.facts.task import TaskFacts


class ChannelFact(Frozen):
    """The part of an output that stands worst against its own scale.

    Attributes:
        kind: a ``quantity`` (channels of one scale among others), a ``channel``, a single ``value``, or slices that
            are ``constant`` in the artifact and vary in the source.
        axis: of the output, from 0.
        indices: along the axis.
        channels: length of the axis.
        db: to be compared with a least signal-to-noise ratio; minus infinity where the part is lost.
        source_peak: largest magnitude of the quantity that the part belongs to.
        largest_peak: the same of the whole output.
        error: largest absolute difference in the part.
        spread: largest less least value of the part in the source.
    """

    kind: Literal["quantity", "channel", "value", "constant"]
    axis: int
    indices: tuple[int, ...]
    channels: int
    db: float
    source_peak: float
    largest_peak: float
    error: float
    spread: float


class OutputParity(Frozen):
    """One output against the source's.

    Attributes:
        name: as the source's output is called.
        shape: of one run of the model.
        values: compared, over all examples.
        snr_db: None when there is no difference, minus infinity where the artifact has NaN or infinity.
        not_finite: values of the artifact that are NaN or infinite where the source's are not.
        not_finite_example: the first example with one, from 0.
        source_not_finite: values of the source that are NaN or infinite.
        source_not_finite_example: the first example with one, from 0.
        worst: the part of it that stands worst.
        step: between the artifact's values where they are of 8-bit integers; None otherwise.
        variation_db: changes between examples in the source against how differently the artifact changes; None for few
            examples and for outputs that do not change.
    """

    name: str
    shape: tuple[int, ...]
    values: int
    snr_db: float | None
    max_abs_error: float
    not_finite: int = 0
    not_finite_example: int | None = None
    source_not_finite: int = 0
    source_not_finite_example: int | None = None
    worst: ChannelFact | None = None
    step: float | None = None
    variation_db: float | None = None


class ShapeParity(Frozen):
    """How outputs compare on inputs of one of the shapes that they can have.

    Attributes:
        shapes: input -> shape, as the source takes it.
        runs: whether the artifact takes them; None where that is not known.
        problem: why it does not, or why nothing is known; empty where outputs were compared.
        data: what the examples were.
        samples: examples compared.
        snr_db: signal-to-noise ratio over all of them, of the worst output; None when there is no difference.
        max_abs_error: largest difference of any output element.
    """

    shapes: dict[str, tuple[int, ...]]
    runs: bool | None = None
    problem: str = ""
    data: str = ""
    samples: int = 0
    snr_db: float | None = None
    max_abs_error: float | None = None


class StepsParity(Frozen):
    """How outputs compare over sequences of calls, each of which is given what the call before gave.

    Attributes:
        sequences: from a beginning of zeros.
        steps: calls a sequence.
        runs: whether the artifact runs over them; None where that is not known.
        problem: why it does not, or why nothing is known; empty where outputs were compared.
        agreed: steps at which the first output that is not carried is greatest at the same place.
        snr_db: over all steps, of the worst output that is not carried; None when there is no difference.
        max_abs_error: largest difference of any element of these.
    """

    sequences: int
    steps: int
    runs: bool | None = None
    problem: str = ""
    agreed: int = 0
    snr_db: float | None = None
    max_abs_error: float | None = None


class Parity(Frozen):
    """How an artifact's outputs compare with its source's on the same examples.

    Attributes:
        data: what the examples were: the dataset's name, or ``noise`` and what was drawn.
        samples: examples compared; without labels, examples that differ from one another.
        evaluator: what ran the artifact, for example ``LiteRT 2.1.0``.
        snr_db: signal-to-noise ratio over all examples, of the worst output; None when there is no difference, minus
            infinity where an output has NaN or infinity that the source has not.
        cosine: mean over examples, of the worst output.
        max_abs_error: largest difference of any output element.
        outputs: every output on its own; empty in records of older versions.
        shapes: the same on every shape that flexible inputs were tried with, the largest last, which the other figures
            are of; empty where inputs have one shape.
        steps: the same over sequences of calls; None where the source carries nothing from call to call.
        drawn: whether the examples were made up and not given.
        top1_agreement: share of examples on which both name the same class; None when the output is not one of classes.
        top1: accuracy of the artifact in [0, 1]; None without labels.
        source_top1: accuracy of the source on the same examples.
        top1_lost: examples whose class the source has right and the artifact has not; None without labels.
        top1_gained: the other way round.
        classes: number of class scores; None when the output is not one of classes.
        task: how well it does its task; None where the user names none.
        not_compared: why the outputs are not compared as numbers, which are NaN then; empty where they are.
    """

    data: str
    samples: int
    evaluator: str
    snr_db: float | None
    cosine: float
    max_abs_error: float
    outputs: tuple[OutputParity, ...] = ()
    shapes: tuple[ShapeParity, ...] = ()
    steps: StepsParity | None = None
    drawn: bool = False
    top1_agreement: float | None = None
    top1: float | None = None
    top5: float | None = None
    source_top1: float | None = None
    source_top5: float | None = None
    top1_lost: int | None = None
    top1_gained: int | None = None
    top5_lost: int | None = None
    top5_gained: int | None = None
    classes: int | None = None
    task: TaskFacts | None = None
    not_compared: str = ""

    @property
    def pictures(self) -> Mapping[str, str]:
        """Those of the task's examples, as long as they are here."""
        return {} if self.task is None else self.task.pictures

    def without_pictures(self) -> "Parity":
        """As documents hold it."""
        if self.task is None:
            return self
        return self.model_copy(update={"task": self.task.model_copy(update={"pictures": {}})})
