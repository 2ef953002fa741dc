"""Differences between two sets of outputs, gathered example by example; pure numpy.

Nothing here raises on any value: NaN and infinity are counted apart and never take part in arithmetic.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilers.decibels import decibels

Values = NDArray[Any]


@dataclass
class Elements:
    """Sums over examples for every element of an output of one shape.

    Attributes:
        signal: sum of the source's squares.
        noise: sum of the squared differences.
        error: largest absolute difference.
        source_low: least value of the source, and so on.
        changed: examples in which the element differs at all.
        source_sum: sum of the source's values.
        error_sum: sum of the differences with their signs.
    """

    examples: int
    signal: Values
    noise: Values
    error: Values
    source_low: Values
    source_high: Values
    artifact_low: Values
    artifact_high: Values
    changed: Values
    source_sum: Values
    error_sum: Values

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "Elements":
        """Nothing added yet."""
        signal, noise, error, changed, source_sum, error_sum = (np.zeros(shape) for _ in range(6))
        low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
        return cls(0, signal, noise, error, low, high, low.copy(), high.copy(), changed, source_sum, error_sum)

    def add(self, wanted: Values, found: Values) -> None:
        """Take in one example; both are float64, finite and of the shape."""
        with np.errstate(all="ignore"):
            self.source_sum += wanted
            self.error_sum += wanted - found
            error = np.abs(wanted - found)
            self.signal += wanted * wanted
            self.noise += error * error
        np.maximum(self.error, error, out=self.error)
        np.minimum(self.source_low, wanted, out=self.source_low)
        np.maximum(self.source_high, wanted, out=self.source_high)
        np.minimum(self.artifact_low, found, out=self.artifact_low)
        np.maximum(self.artifact_high, found, out=self.artifact_high)
        self.changed += error > 0
        self.examples += 1


@dataclass
class NotFinite:
    """Values that are NaN or infinite.

    Attributes:
        values: how many.
        example: the first example that has one, from 0; None when there is none.
    """

    values: int = 0
    example: int | None = None

    def add(self, bad: Values, example: int) -> None:
        """Count the true elements of `bad`."""
        count = int(np.count_nonzero(bad))
        if count and self.example is None:
            self.example = example
        self.values += count


@dataclass
class Difference:
    """Accumulates over examples for one output.

    Attributes:
        elements: one entry a shape that the output took; a model of fixed shapes has one.
        artifact: values of the artifact that are not finite where the source's are.
        source: values of the source that are not finite.
        total: values compared, over all examples.
        sample: the artifact's values of the first example.
    """

    elements: dict[tuple[int, ...], Elements] = field(default_factory=dict)
    artifact: NotFinite = field(default_factory=NotFinite)
    source: NotFinite = field(default_factory=NotFinite)
    cosine_sum: float = 0.0
    examples: int = 0
    total: int = 0
    integers: bool = False
    sample: Values | None = None

    def add(self, reference: Values, actual: Values) -> None:
        """Take in one example's output, of any equal shape."""
        wanted, found = (np.asarray(value, np.float64) for value in (reference, actual))
        if self.sample is None:
            self.sample = found
            self.integers = np.asarray(reference).dtype.kind in "iub"
        whole, given = np.isfinite(wanted), np.isfinite(found)
        self.source.add(~whole, self.examples)
        self.artifact.add(whole & ~given, self.examples)
        both = whole & given
        if not both.all():
            wanted, found = np.where(both, wanted, 0.0), np.where(both, found, 0.0)
        self.elements.setdefault(wanted.shape, Elements.of(wanted.shape)).add(wanted, found)
        self.cosine_sum += _cosine(wanted.reshape(-1), found.reshape(-1))
        self.examples += 1
        self.total += wanted.size

    @property
    def noise(self) -> float:
        """Sum of all squared differences."""
        return float(sum(item.noise.sum() for item in self.elements.values()))

    @property
    def snr_db(self) -> float:
        """``10 log10(signal power / noise power)``; infinite without noise, minus infinity with NaN or infinity."""
        if self.artifact.values:
            return -math.inf
        return decibels(float(sum(item.signal.sum() for item in self.elements.values())), self.noise)

    @property
    def cosine(self) -> float:
        """Mean cosine similarity over examples; NaN where a value is not finite."""
        return math.nan if self.artifact.values or not self.examples else self.cosine_sum / self.examples

    @property
    def max_abs_error(self) -> float:
        """Largest absolute difference; infinite where a value is not finite."""
        if self.artifact.values:
            return math.inf
        return max((float(item.error.max(initial=0.0)) for item in self.elements.values()), default=0.0)

    @property
    def changed(self) -> float:
        """Share of values that differ at all."""
        return float(sum(item.changed.sum() for item in self.elements.values())) / max(1, self.total)


def _cosine(wanted: Values, found: Values) -> float:
    with np.errstate(all="ignore"):
        norms = float(np.linalg.norm(wanted)) * float(np.linalg.norm(found))
        if norms:
            return float(wanted @ found) / norms
    return 1.0 if not wanted.any() and not found.any() else 0.0


@dataclass
class Ranking:
    """Counts agreement and accuracy of class scores over examples, source and artifact on the same ones.

    Attributes:
        hits: (``source`` or ``artifact``, 1 or 5) -> examples whose label is among the best 1 or 5.
        lost: 1 or 5 -> examples that only the source has right.
        gained: 1 or 5 -> examples that only the artifact has right.
    """

    labels: Sequence[int] | None
    agreed: int = 0
    hits: dict[tuple[str, int], int] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=lambda: {1: 0, 5: 0})
    gained: dict[int, int] = field(default_factory=lambda: {1: 0, 5: 0})
    examples: int = 0
    classes: int = 0

    def add(self, index: int, reference: Values, actual: Values) -> None:
        """Take in the class scores (one dimension) of example `index`."""
        self.agreed += int(reference.argmax() == actual.argmax() and not np.isnan(actual).any())
        self.classes = reference.size
        if self.labels is not None:
            label = self.labels[index]
            for count in (1, 5):
                before, after = rank_of(reference, label) < count, rank_of(actual, label) < count
                self.hits["source", count] = self.hits.get(("source", count), 0) + before
                self.hits["artifact", count] = self.hits.get(("artifact", count), 0) + after
                self.lost[count] += before and not after
                self.gained[count] += after and not before
        self.examples += 1

    def accuracy(self, name: str, count: int) -> float | None:
        """Share of examples whose label is among the `count` best; None without labels."""
        return None if self.labels is None else self.hits.get((name, count), 0) / self.examples


def rank_of(scores: Values, label: int) -> int:
    """How many classes come before `label`: higher scores, and equal scores with a lower index; NaN comes last."""
    own = scores[label]
    if np.isnan(own):
        return len(scores)
    return int(np.count_nonzero(scores > own) + np.count_nonzero(scores[:label] == own))


def is_class_scores(output: Values) -> bool:
    """Whether one example's output looks like scores of at least two classes."""
    return output.size >= 2 and max(output.shape) == output.size and output.dtype.kind == "f"


def score_rows(output: Values, rows: int, axis: int | None) -> Iterator[Values]:
    """The class scores of each of `rows` examples in one output.

    Args:
        axis: of the output that counts the examples; None for an output of one example.
    """
    if axis is None:
        yield output.reshape(-1)
        return
    for row in np.moveaxis(output, axis, 0)[:rows]:
        yield row.reshape(-1)
