"""Which operation of an artifact stands for which call of a module.

Where the artifact itself tells the layer, by a name or by its weights, that decides. The others are found by order: the
calls and the operations that are left are aligned, in order, by kind (a MaxPool2d makes a max pool), by shape and by
numbers. What comes out of an operation that reads a known layer's value can only stand for a later call, and what a
known layer reads only for an earlier one. A call that nothing fits stays unmatched.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.formats.common.layers.align import aligned
from exporter.formats.common.layers.axes import arrangements
from exporter.formats.common.layers.calls import Call
from exporter.formats.common.layers.folding import Standing, choices, standing
from exporter.formats.common.layers.observed import BY_NAME, Observed, Vocabulary

_LIKE = 0.1  # relative error under which two values count as the same, to choose between candidates
_SAMPLES = 4096  # values of each that are compared for it
_KIND, _NUMBERS, _BOTH = 1.0, 0.8, 1.5
BY_ORDER, BY_NUMBERS = "order", "numbers"


@dataclass(frozen=True)
class Pair:
    """Calls in a row and the operation that stands for them."""

    calls: tuple[Call, ...]
    observed: Observed
    standing: Standing
    by: str


def match(
    calls: Sequence[Call], values: Sequence[Observed], vocabulary: Vocabulary, reads: Mapping[str, Sequence[str]]
) -> list[Pair]:
    """Pairs in order of the calls.

    Args:
        calls: of the source.
        values: of the artifact, in order of execution.
        vocabulary: of the artifact's format.
        reads: key of a value -> keys of the values that it is made from; may be empty.
    """
    matching = _Matching(calls, values, vocabulary, reads)
    pairs = [*matching.known.values(), *matching.by_order()]
    return sorted(pairs, key=lambda pair: pair.standing.places.stop)


class _Matching:
    def __init__(
        self,
        calls: Sequence[Call],
        values: Sequence[Observed],
        vocabulary: Vocabulary,
        reads: Mapping[str, Sequence[str]],
    ) -> None:
        self.calls, self.values, self.vocabulary, self.reads = calls, values, vocabulary, reads

    @cached_property
    def known(self) -> dict[int, Pair]:
        """Place of a value -> its pair, where the artifact tells the layer."""
        places = _known_places(self.calls, self.values)
        taken = set(places.values())
        pairs = {j: self._pair(i, j, taken - {i}, self.values[j].known_by) for j, i in places.items()}
        return {j: pair for j, pair in pairs.items() if pair is not None}

    def by_order(self) -> list[Pair]:
        """Pairs of the calls and values that are left."""
        taken = {place for pair in self.known.values() for place in pair.standing.places}
        rows = [place for place in range(len(self.calls)) if place not in taken]
        columns = self._left_values()
        scores = np.array([[self._score(i, j) for j in columns] for i in rows]).reshape(len(rows), len(columns))
        pairs = []
        for row, column in aligned(scores):
            i, by = rows[row], BY_NUMBERS if scores[row, column] == _NUMBERS else BY_ORDER
            pair = None if i in taken else self._pair(i, columns[column], taken, by)
            if pair is not None:
                taken |= set(pair.standing.places)
                pairs.append(pair)
        return pairs

    def _left_values(self) -> list[int]:
        """Places of the values that may stand for any call: not those that a known layer makes on its way."""
        layers = {pair.observed.layer for pair in self.known.values()}
        return [j for j, value in enumerate(self.values) if j not in self.known and value.layer not in layers]

    def _pair(self, i: int, j: int, taken: set[int], by: str) -> Pair | None:
        found = standing(self.calls, i, self.values[j], taken)
        return None if found is None else Pair(tuple(self.calls[k] for k in found.places), self.values[j], found, by)

    def _score(self, i: int, j: int) -> float:
        """How well a value fits a call: by kind and by numbers, either of which will do, by shape and by place."""
        call, value = self.calls[i], self.values[j]
        if call.value.size != value.value.size or not self._bounds[0][j] < i < self._bounds[1][j]:
            return 0.0
        samples = self._samples_of(j, call.value.shape)
        if not samples:
            return 0.0
        near = any(_near(wanted, samples) for _, wanted in choices(self.calls, i, value, ()))
        if not self.vocabulary.accepts(call, value):
            return _NUMBERS if near else 0.0
        return _BOTH if near else _KIND

    @cache  # noqa: B019 - of one matching, which lives as long as it is used
    def _samples_of(self, j: int, shape: tuple[int, ...]) -> list[NDArray[Any]]:
        return [_sample(found.value) for found in arrangements(self.values[j].value, shape)]

    @cached_property
    def _bounds(self) -> tuple[list[int], list[int]]:
        """Of each value: the last call that must come before its own, and the first that must come after."""
        own = {self.values[j].key: pair.standing.places for j, pair in self.known.items()}
        before, after = _reached(self.values, self.reads, {key: places.stop - 1 for key, places in own.items()})
        return before, after


def _known_places(calls: Sequence[Call], values: Sequence[Observed]) -> dict[int, int]:
    """Place of a value -> place of the call that it stands for, where the artifact tells the layer.

    A layer that is called several times has as many values. Where names tell it, it may have several values a call, of
    which the last is its own; two layers with the same weights are not told apart by them.
    """
    by_layer, by_module = _places(value.layer for value in values), _places(call.module for call in calls)
    found: dict[int, int] = {}
    for layer, own in by_layer.items():
        called = by_module.get(layer, [])
        size, rest = divmod(len(own), len(called)) if layer and called else (0, 0)
        if not rest and (size == 1 or (size > 1 and _named(values, own))):
            found |= dict(zip(own[size - 1 :: size], called, strict=True))
    return found


def _named(values: Sequence[Observed], places: Iterable[int]) -> bool:
    return all(values[place].known_by == BY_NAME for place in places)


def _places(names: Iterable[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        places[name].append(place)
    return places


def _reached(
    values: Sequence[Observed], reads: Mapping[str, Sequence[str]], known: Mapping[str, int]
) -> tuple[list[int], list[int]]:
    """The greatest known place among what each value is made from, and the least among what is made from it."""
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    for key, sources in reads.items():
        before[key] = max((max(known.get(one, -1), before.get(one, -1)) for one in sources), default=-1)
    for key, sources in reversed(list(reads.items())):
        least = min(known.get(key, sys.maxsize), after.get(key, sys.maxsize))
        for one in sources:
            after[one] = min(after.get(one, sys.maxsize), least)
    return [before.get(value.key, -1) for value in values], [after.get(value.key, sys.maxsize) for value in values]


def _sample(value: NDArray[Any]) -> NDArray[Any]:
    flat = value.reshape(-1)
    return flat[:: max(1, flat.size // _SAMPLES)]


def _near(wanted: NDArray[Any], samples: Sequence[NDArray[Any]]) -> bool:
    own = _sample(wanted)
    with np.errstate(all="ignore"):
        limit = _LIKE * np.abs(own).max(initial=0)
        return any(bool(np.abs(own - sample).max(initial=0) <= limit) for sample in samples)
