"""What compression did to a model, in numbers."""

from exporter.data.base import Frozen, JsonMapping


class LayerStats(Frozen):
    """One weight before or after a step.

    Attributes:
        name: the parameter's dotted name.
        parameters: elements.
        nonzeros: elements that are not zero.
        distinct: distinct values.
        bits_per_weight: bits that one element takes in the shipped form, tables and scales included.
    """

    name: str
    parameters: int
    nonzeros: int
    distinct: int
    bits_per_weight: float


class ModelStats(Frozen):
    """Size and work of a model; `macs` are multiply-accumulates of one forward pass on one example."""

    parameters: int
    macs: int
    layers: tuple[LayerStats, ...] = ()


class LeftAlone(Frozen):
    """Something that a step or a library did not touch, with the reason and the bytes that it left uncompressed."""

    name: str
    reason: str
    size_bytes: int | None = None


class StepResult(Frozen):
    """What one compression step did.

    Attributes:
        method: the step's method, for example ``magnitude_pruning``.
        options: the step's options as given.
        before: the model that the step received.
        after: the model that it gave.
        left_alone: layers that it skipped, and why.
        notes: figures of its own, for example the epochs of a recovery or the accuracy reached.
        warnings: what a person should look at, for example a training that ended worse than it began.
    """

    method: str
    options: JsonMapping
    before: ModelStats
    after: ModelStats
    left_alone: tuple[LeftAlone, ...] = ()
    notes: JsonMapping = {}
    warnings: tuple[str, ...] = ()
