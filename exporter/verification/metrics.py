"""Differences between two sets of outputs, gathered example by example; pure numpy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Difference:
    """Accumulates over examples for one output: signal and noise power, cosine, largest error."""

    signal: float = 0.0
    noise: float = 0.0
    cosine_sum: float = 0.0
    max_abs_error: float = 0.0
    examples: int = 0

    def add(self, reference: NDArray[Any], actual: NDArray[Any]) -> None:
        """Take in one example's output, of any equal shape."""
        wanted = reference.astype(np.float64).reshape(-1)
        found = actual.astype(np.float64).reshape(-1)
        error = wanted - found
        self.signal += float(wanted @ wanted)
        self.noise += float(error @ error)
        largest = float(np.abs(error).max(initial=0.0))
        self.max_abs_error = largest if math.isnan(largest) else max(self.max_abs_error, largest)
        norms = float(np.linalg.norm(wanted) * np.linalg.norm(found))
        same = 1.0 if not wanted.any() and not found.any() else 0.0
        self.cosine_sum += float(wanted @ found) / norms if norms else same
        self.examples += 1

    @property
    def snr_db(self) -> float:
        """``10 log10(signal power / noise power)``; infinite without noise, NaN when an output is NaN."""
        if self.noise == 0:
            return math.inf
        return 10 * math.log10(self.signal / self.noise) if self.signal else -math.inf

    @property
    def cosine(self) -> float:
        """Mean cosine similarity over examples."""
        return self.cosine_sum / self.examples


@dataclass
class Ranking:
    """Counts agreement and accuracy of class scores over examples."""

    labels: Sequence[int] | None
    agreed: int = 0
    hits: dict[tuple[str, int], int] = field(default_factory=dict)
    examples: int = 0

    def add(self, index: int, reference: NDArray[Any], actual: NDArray[Any]) -> None:
        """Take in the class scores (one dimension) of example `index`."""
        self.agreed += int(reference.argmax() == actual.argmax())
        if self.labels is not None:
            label = self.labels[index]
            for name, scores in (("source", reference), ("artifact", actual)):
                for count in (1, 5):
                    hit = bool(rank_of(scores, label) < count)
                    self.hits[name, count] = self.hits.get((name, count), 0) + hit
        self.examples += 1

    def accuracy(self, name: str, count: int) -> float | None:
        """Share of examples whose label is among the `count` best; None without labels."""
        return None if self.labels is None else self.hits.get((name, count), 0) / self.examples


def rank_of(scores: NDArray[Any], label: int) -> int:
    """How many classes come before `label`: higher scores, and equal scores with a lower index; NaN comes last."""
    own = scores[label]
    if np.isnan(own):
        return len(scores)
    return int(np.count_nonzero(scores > own) + np.count_nonzero(scores[:label] == own))


def is_class_scores(output: NDArray[Any]) -> bool:
    """Whether one example's output looks like scores of at least two classes."""
    return output.size >= 2 and max(output.shape) == output.size
