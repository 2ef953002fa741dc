"""Outputs that join values of different magnitudes, as boxes in pixels and scores: one int8 scale cannot hold both."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporter.formats.tflite.conversion.file import operator_code, parse, text
from exporter.formats.tflite.quantization.constants import operator_name
from exporter.formats.tflite.quantization.edit import floats
from exporter.formats.tflite.quantization.kernels import WEIGHTS

MIXED = 16.0
"""Ratio of the magnitudes of what is joined from which the smaller is left with 16 steps of 256, or fewer."""

_JOINS = (schema.BuiltinOperator.CONCATENATION, schema.BuiltinOperator.PACK)


class Kept(NamedTuple):
    """Operators that stay float.

    Attributes:
        tensors: names of what they write.
        note: why, as a sentence; empty where there are none.
    """

    tensors: tuple[str, ...] = ()
    note: str = ""


def behind_mixed_joins(calibrated: bytes) -> Kept:
    """What computes the outputs from the last weights on, where it joins values of different magnitudes.

    Args:
        calibrated: a float file with the ranges of its tensors.
    """
    model = parse(calibrated)
    kept, notes = [], []
    for graph in model.subgraphs:
        tail = _Tail(model, graph)
        for place, low, high in tail.mixed():
            chosen = tail.around(place)
            kept += [tail.written(one) for one in sorted(chosen)]
            notes.append(
                f"{tail.written(place)} joins values up to {high:.3g} with values up to {low:.3g}, of which one scale "
                f"would leave {max(1, round(256 * low / high))} steps: the {len(chosen)} operators between the last "
                "weights and it, and behind it, stay float32"
            )
    return Kept(tuple(dict.fromkeys(kept)), "; ".join(notes))


class _Tail:
    """The operators of a subgraph that no operator with weights comes after, by their places."""

    def __init__(self, model: Any, graph: Any) -> None:
        self.model, self.graph = model, graph
        self.makers = {int(index): place for place, one in enumerate(graph.operators) for index in one.outputs}
        self.places = set(range(len(graph.operators))) - self._before_weights()

    def mixed(self) -> Iterator[tuple[int, float, float]]:
        """Joins of different magnitudes, with the least and the greatest."""
        for place in sorted(self.places):
            operator = self.graph.operators[place]
            if operator_code(self.model, operator) in _JOINS:
                peaks = [peak for index in operator.inputs if (peak := self._peak(int(index)))]
                if peaks and max(peaks) >= MIXED * min(peaks):
                    yield place, min(peaks), max(peaks)

    def around(self, place: int) -> set[int]:
        """The join itself, what leads to it from the last weights, and what is made of it."""
        chosen, waiting = set(), [place]
        while waiting:
            one = waiting.pop()
            if one not in chosen and one in self.places and not self._is_weighted(one):
                chosen.add(one)
                waiting += [self.makers[int(i)] for i in self.graph.operators[one].inputs if int(i) in self.makers]
        made = {int(index) for index in self.graph.operators[place].outputs}
        for later in range(place + 1, len(self.graph.operators)):
            operator = self.graph.operators[later]
            if made & set(map(int, operator.inputs)):
                chosen.add(later)
                made |= set(map(int, operator.outputs))
        return chosen

    def written(self, place: int) -> str:
        """The name of what an operator writes."""
        return text(self.graph.tensors[self.graph.operators[place].outputs[0]].name)

    def _before_weights(self) -> set[int]:
        found: set[int] = set()
        for place in reversed(range(len(self.graph.operators))):
            if place in found or self._is_weighted(place):
                inputs = map(int, self.graph.operators[place].inputs)
                found |= {self.makers[index] for index in inputs if index in self.makers}
        return found

    def _is_weighted(self, place: int) -> bool:
        return operator_name(operator_code(self.model, self.graph.operators[place])) in WEIGHTS

    def _peak(self, index: int) -> float:
        """The largest magnitude that was seen, or of a constant; 0 where it is not known."""
        tensor = self.graph.tensors[index]
        values = floats(self.model, tensor)
        if values is not None:
            return float(np.abs(values).max(initial=0.0))
        ranges = tensor.quantization
        if ranges is None or ranges.min is None or ranges.max is None or not len(ranges.min):
            return 0.0
        return max(abs(float(ranges.min[0])), abs(float(ranges.max[0])))
