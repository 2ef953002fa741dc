"""One layer of a source beside the same layer of an artifact, as frozen data."""

from dataclasses import dataclass


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
    """One module's output in the source and in the artifact.

    Attributes:
        module: dotted name of the PyTorch module.
        kind: its class.
        output: name of the value in the artifact.
        location: where the artifact makes it: function, place and operation of an ML program.
        snr_db: power of the source's output over that of the difference, in dB; infinite when they are equal.
        source: statistics in the source.
        artifact: statistics in the artifact.
    """

    module: str
    kind: str
    output: str
    location: str
    snr_db: float
    source: Statistics
    artifact: Statistics
