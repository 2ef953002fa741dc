"""Embedding: a vector an example, judged by its neighbours, by pairs of it, and against the source's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Fit, TruthKind
from exporter.tasks.embedding.neighbours import neighbours
from exporter.tasks.embedding.settings import Embedding
from exporter.tasks.embedding.verification import Pairs, pairs
from exporter.tasks.outputs import vector_output
from exporter.tasks.sums import ratio
from exporter.tasks.task import Figures, Metric, Reader

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """What a vector is measured by.

    Attributes:
        vector: of the source for the same example.
        identity: who or what it is of; None where that is not known.
    """

    vector: Vector
    identity: int | None


@dataclass(frozen=True)
class EmbeddingTask:
    """Implements `Task`; predictions are float64 vectors of length 1, truths `Known`."""

    name = "embedding"
    truths: tuple[TruthKind, ...] = ("class",)
    holds_source = True

    def metrics(self, settings: Embedding, against: Against) -> tuple[Metric, ...]:
        """With identities, recall and verification; without, neighbours; the cosine in both."""
        cosine = Metric("cosine", "cosine to the source", "", "embedding_cosine_drop")
        if against == "source":
            return cosine, Metric("neighbours", f"same {settings.nearest} nearest", "%", "neighbours_drop_points")
        rate = f"verification at {settings.false_accepts:g} false accepts"
        return (
            Metric("recall", f"recall at {settings.nearest}", "%", "recall_drop_points"),
            Metric("verification", rate, "%", "verification_drop_points"),
            cosine,
        )

    def reader(self, settings: Embedding, description: SourceDescription) -> Reader:
        """Reads one output of vectors.

        Raises:
            UsageProblem: there is no such output, or it is not one vector an example.
        """
        return partial(_vectors, vector_output(description, settings.output, self.name, "vectors (N, size)"))

    def as_truth(self, settings: Embedding, prediction: Vector, label: int | None = None) -> Known:
        """The source's vector, with the identity where it is known."""
        return Known(prediction, label)

    def tally(self, settings: Embedding, classes: Sequence[str]) -> "Vectors":
        """Of no example yet."""
        return Vectors(settings)


def _vectors(place: int, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Vector]:
    given = np.asarray(outputs[place], np.float64)
    rows = given.reshape(len(given), -1)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return list(np.divide(rows, length, out=np.zeros_like(rows), where=length != 0))


@dataclass
class Vectors:
    """All vectors; a resample draws examples as queries, among all of which they are searched."""

    settings: Embedding
    given: list[Vector] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)

    def add(self, prediction: Vector, truth: Known) -> None:
        """Take in one example, before any figures are asked for."""
        self.given.append(prediction)
        self.known.append(truth)

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``cosine``; ``recall`` and ``verification`` of identities, and ``neighbours`` without."""
        values = {"cosine": float(self._cosines[sample].mean())}
        if self._identities is None:
            values["neighbours"] = _mean(self._same_neighbours[sample])
            return Figures(values)
        drawn = self._found[sample]
        values["recall"] = _mean(drawn)
        values["verification"] = self._pairs.accepted(np.bincount(sample, minlength=len(self.given)))
        return Figures(values, empty=int(np.isnan(drawn).sum()))

    @cached_property
    def _identities(self) -> NDArray[np.int64] | None:
        if any(one.identity is None for one in self.known):
            return None
        return np.array([one.identity for one in self.known], np.int64)

    @cached_property
    def _table(self) -> NDArray[np.float64]:
        return np.stack(self.given)

    @cached_property
    def _source(self) -> NDArray[np.float64]:
        return np.stack([one.vector for one in self.known])

    @cached_property
    def _cosines(self) -> NDArray[np.float64]:
        return np.asarray((self._table * self._source).sum(1), np.float64)

    @cached_property
    def _nearest(self) -> NDArray[np.int64]:
        return neighbours(self._table, self.settings.nearest)

    @cached_property
    def _found(self) -> NDArray[np.float64]:
        """1 where one of the nearest is of the same identity; NaN where nobody else is."""
        assert self._identities is not None
        found = (self._identities[self._nearest] == self._identities[:, None]).any(1)
        _, places, counts = np.unique(self._identities, return_inverse=True, return_counts=True)
        return np.where(counts[places] > 1, found, np.nan)

    @cached_property
    def _same_neighbours(self) -> NDArray[np.float64]:
        """Share of the nearest that are the source's nearest too."""
        theirs = neighbours(self._source, self.settings.nearest)
        same = (self._nearest[:, :, None] == theirs[:, None, :]).any(2).sum(1)
        return np.asarray(same / theirs.shape[1] if theirs.shape[1] else np.full(len(same), np.nan), np.float64)

    @cached_property
    def _pairs(self) -> Pairs:
        assert self._identities is not None
        return pairs(self._table, self._identities, self.settings.false_accepts)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return ratio(float(known.sum()), len(known))


TASK = EmbeddingTask()
