"""Truths that come as arrays or objects of Python: which kind they are."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
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


def array_truths(name: str, values: NDArray[Any], wanted: TruthKind | None) -> ArrayTruths:
    """Truths in an array, an example a row.

    Integers are classes where an example has one, tokens where it has a row of them, and a map of classes where it has
    a plane of them. Floats are values, or depth or an image where the task is measured by these; whole ones, one an
    example, are classes unless the task is measured by values. Strings are text.

    Raises:
        UsageProblem: they are none of these.
    """
    kind = _kind(name, values, wanted)
    if kind == "class":
        flat = values.reshape(-1)
        if flat.dtype.kind == "f" and not (np.isfinite(flat).all() and (flat == np.rint(flat)).all()):
            raise UsageProblem(f"data {name}: labels are classes, and not whole numbers.")
        return ArrayTruths(labels=tuple(map(int, flat)))
    if kind == "text":
        return ArrayTruths(kind=kind, read=tuple(map(str, values.reshape(-1))).__getitem__)
    held: NDArray[Any] = values.astype(_TYPES[kind])
    return ArrayTruths(kind=kind, read=held.__getitem__)


def object_truths(name: str, values: Sequence[Any], wanted: TruthKind | None) -> ArrayTruths:
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


def renamed(truths: ArrayTruths, kind: TruthKind) -> ArrayTruths:
    """The same truths under the kind that whoever made them says."""
    return dataclasses.replace(truths, kind=kind)


def _kind(name: str, values: NDArray[Any], wanted: TruthKind | None) -> TruthKind:
    sizes = values.shape[1:]
    single = int(np.prod(sizes)) == 1
    if values.dtype.kind in "US":
        return "text"
    if values.dtype.kind in "iub":
        return _integer_kind(name, values, single, wanted)
    if values.dtype.kind != "f":
        raise UsageProblem(f"data {name}: truths of type {values.dtype} are none that a task is measured by.")
    if wanted in ("values", "depth", "image"):
        return wanted
    whole = bool(np.isfinite(values).all() and (values == np.rint(values)).all())
    return "class" if single and whole else "values"


def _integer_kind(name: str, values: NDArray[Any], single: bool, wanted: TruthKind | None) -> TruthKind:
    if wanted == "values" or (wanted == "tokens" and values.ndim == 2):
        return wanted
    if single:
        return "class"
    kind: TruthKind | None = {2: "tokens", 3: "classes_map"}.get(values.ndim)  # type: ignore[assignment]
    if kind is None:
        raise UsageProblem(
            f"data {name}: truths of shape {list(values.shape[1:])} are no class, and no row or map of classes."
        )
    return kind
