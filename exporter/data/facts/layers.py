"""Layers of a source beside those of an artifact, as frozen data."""

from collections.abc import Sequence
from dataclasses import dataclass

MODEL = "(model)"
"""Stands where a module's name would, for what the whole model gives."""


@dataclass(frozen=True)
class Statistics:
    """A value's shape and spread; `not_finite` counts NaN and infinities, which the others leave out."""

    shape: tuple[int, ...]
    minimum: float
    maximum: float
    mean: float
    std: float
    not_finite: int


@dataclass(frozen=True)
class LayerComparison:
    """What one call of a module gave in the source, and what the operation that stands for it gave in the artifact.

    Attributes:
        module: dotted name of the PyTorch module; of the first where an operation does the work of several in a row.
        kind: its class, and those of the modules that the operation took in, such as ``Conv2d, BatchNorm2d, ReLU6``.
        call: which call of the module it is, from 1; which output, for the model itself.
        output: name of the value in the artifact.
        operation: what made it, as the format calls it.
        location: where the artifact makes it: function, place and operation of an ML program.
        matched_by: how the two were found to belong together.
        axes: how the artifact's axes lie where they are not the source's, such as ``channels last``; else empty.
        rule_name: what `op_name` of a target's rules is searched in; empty where only the operation's type tells it.
        snr_db: power of the source's output over that of the difference, in dB; infinite when they are equal.
        max_abs_error: largest absolute difference; infinite where only one of two values is finite.
        cosine: cosine similarity; NaN where a value is not finite.
        source: statistics in the source.
        artifact: statistics in the artifact.
    """

    module: str
    kind: str
    call: int
    output: str
    operation: str
    location: str
    matched_by: str
    axes: str
    rule_name: str
    snr_db: float
    max_abs_error: float
    cosine: float
    source: Statistics
    artifact: Statistics

    @property
    def title(self) -> str:
        """The module, and which call of it where that is not the first."""
        return self.module if self.call == 1 else f"{self.module} (call {self.call})"


@dataclass(frozen=True)
class NotMatched:
    """A call of a module for which no operation of the artifact was found, so that nothing is known of it."""

    module: str
    kind: str
    call: int
    reason: str


@dataclass(frozen=True)
class Layers:
    """Every call of a module on one example.

    Attributes:
        compared: in order of execution; the model itself is the last.
        not_matched: in the same order.
    """

    compared: tuple[LayerComparison, ...]
    not_matched: tuple[NotMatched, ...]


@dataclass(frozen=True)
class LayerFindings:
    """Where an artifact leaves its source.

    Attributes:
        layers: what was compared.
        least_snr_db: a layer below it has left the source.
        rule: what to write into the target for the first that has; empty where no layer has, or no rule helps.
    """

    layers: Layers
    least_snr_db: float
    rule: str

    @property
    def first(self) -> LayerComparison | None:
        """The first layer that has left the source, in order of execution."""
        return next((one for one in self.layers.compared if not one.snr_db >= self.least_snr_db), None)

    def worst(self, count: int) -> Sequence[LayerComparison]:
        """The layers with the lowest signal-to-noise ratio, the lowest first."""
        return sorted(self.layers.compared, key=lambda one: one.snr_db)[:count]
