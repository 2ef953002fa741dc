"""Truths that come as arrays or objects of Python: which kind they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.datasets.kind import Wanted
from exporter.datasets.truths import Boxes, Instances, Poses, TruthKind

_OBJECTS: Mapping[type, TruthKind] = {Boxes: "boxes", Instances: "instances", Poses: "poses", str: "text"}
_TYPES: Mapping[TruthKind, type] = {
    "classes_map": np.int64,
    "tokens": np.int64,
    "depth": np.float32,
    "image": np.float32,
    "values": np.float32,
}


@dataclass(frozen=True)
class ArrayTruths:
    """What is true of examples, in the words of `Dataset`.

    Attributes:
        labels: class indices.
        kind: of what `read` gives.
        read: truth of an example.
    """

    labels: tuple[int, ...] | None = None
    kind: TruthKind | None = None
    read: Callable[[int], Any] | None = None


def array_truths(name: str, values: NDArray[Any], wanted: Wanted) -> ArrayTruths:
    """Truths in an array, an example a row.

    Integers are classes where an example has one, tokens where it has a row of them, and a map of classes where it has
    a plane of them. Floats are values, and integers of more dimensions; whole floats, one an example, are classes.
    Strings are text. A task that can be measured by something else that such an array holds, such as depth or a volume
    of classes, decides.

    Raises:
        UsageProblem: they are none of these.
    """
    kind = wanted.chosen(*_held(name, values))
    if kind == "class":
        return ArrayTruths(labels=tuple(map(int, values.reshape(-1))))
    if kind == "text":
        return ArrayTruths(kind=kind, read=tuple(map(str, values.reshape(-1))).__getitem__)
    held: NDArray[Any] = values.astype(_TYPES[kind])
    return ArrayTruths(kind=kind, read=held.__getitem__)


def object_truths(name: str, values: Sequence[Any], wanted: Wanted) -> ArrayTruths:
    """Truths as code gives them: objects of `exporter.datasets.truths`, strings, numbers or arrays.

    Raises:
        UsageProblem: examples have truths of several kinds, or arrays of several shapes.
    """
    kinds = {next((kind for type_, kind in _OBJECTS.items() if isinstance(value, type_)), None) for value in values}
    if len(kinds) > 1:
        raise UsageProblem(f"data {name}: examples have truths of several kinds.")
    (kind,) = kinds
    if kind is not None:
        return ArrayTruths(kind=kind, read=tuple(values).__getitem__)
    arrays = [np.asarray(value) for value in values]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1 or not shapes:
        raise UsageProblem(f"data {name}: truths have the shapes {', '.join(str(list(shape)) for shape in shapes)}.")
    return array_truths(name, np.stack(arrays), wanted)


def _held(name: str, values: NDArray[Any]) -> tuple[TruthKind, ...]:
    """What an array can be, the likeliest first."""
    single = int(np.prod(values.shape[1:])) == 1
    if values.dtype.kind in "US":
        return ("text",)
    if values.dtype.kind in "iub":
        ranks: dict[int, tuple[TruthKind, ...]] = {
            2: ("tokens", "values"),
            3: ("classes_map", "values"),
            4: ("values", "classes_map"),
        }
        held = ranks.get(values.ndim, ("values",))
        return ("class", *held) if single else held
    if values.dtype.kind != "f":
        raise UsageProblem(f"data {name}: truths of type {values.dtype} are none that a task is measured by.")
    whole = single and bool(np.isfinite(values).all() and (values == np.rint(values)).all())
    return ("class", "values") if whole else ("values", "depth", "image")
