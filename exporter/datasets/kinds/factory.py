"""Examples that code makes: ``module:name`` of a function of no arguments that gives them."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.datasets.annotations.given import ArrayTruths, object_truths
from exporter.datasets.dataset import Dataset, hash_text
from exporter.datasets.examples.rows import casts, column_of, rows_of
from exporter.datasets.kind import Wanted
from exporter.datasets.truths import TruthKind
from exporter.sources.factories import import_attribute


def open_data(given: str, wanted: Wanted) -> Dataset:
    """An iterable of examples, or of ``(example, truth)``; an example is an array, or a tuple of one an input.

    A truth is a number, a string, an array, or one of the types of `exporter.datasets.truths`. Which kind an array
    is follows from the task, or is said by the function's attribute ``truth_kind``; its ``class_names`` names classes.
    """
    factory = import_attribute(given)
    items = _items(given, factory)
    labelled = all(_is_labelled(item, len(wanted.inputs)) for item in items)
    rows = [item[0] if labelled else item for item in items]
    rows = [row if isinstance(row, tuple) else (row,) for row in rows]
    cells = [[row[position : position + 1] for row in rows] for position in range(len(wanted.inputs))]
    arrays = [_stacked(given, spec, column) for spec, column in zip(wanted.inputs, cells, strict=True)]
    columns = [column_of(Path(given), spec, array) for spec, array in zip(wanted.inputs, arrays, strict=True)]
    found = [item[1] for item in items] if labelled else []
    truths = _truths(given, factory, found, wanted) if labelled else ArrayTruths()
    digest = hash_text("\0".join([*(_digest(column) for column in columns), *map(_said, found), str(truths.kind)]))
    data = rows_of(given, digest, columns, wanted.inputs, truths, casts(given, wanted.inputs, arrays))
    return dataclasses.replace(data, class_names=tuple(getattr(factory, "class_names", ())))


def _items(given: str, factory: Any) -> list[Any]:
    try:
        items = list(factory())
    except UsageProblem:
        raise
    except Exception as error:
        raise UsageProblem(f"data {given}: the factory failed: {type(error).__name__}: {error}") from error
    if not items:
        raise UsageProblem(f"data {given}: the factory gave no examples.")
    return items


def _is_labelled(item: Any, inputs: int) -> bool:
    """Whether it is an example with its truth: of two arrays for two inputs the second is no truth."""
    if not isinstance(item, tuple) or len(item) != 2:
        return False
    return inputs != 2 or isinstance(item[0], tuple) or np.ndim(item[1]) == 0


def _truths(given: str, factory: Any, found: Sequence[Any], wanted: Wanted) -> ArrayTruths:
    said = getattr(factory, "truth_kind", None)
    if said is not None and said not in get_args(TruthKind):
        raise UsageProblem(f"data {given}: truth_kind is {said!r}, not one of {', '.join(get_args(TruthKind))}.")
    truths = object_truths(given, found, wanted if said is None else dataclasses.replace(wanted, truths=(said,)))
    held = "class" if truths.kind is None else truths.kind
    if said is not None and held != said:
        raise UsageProblem(f"data {given}: truth_kind is {said!r}, and the truths are {held}.")
    return truths


def _stacked(given: str, spec: InputSpec, cells: Sequence[Sequence[Any]]) -> NDArray[Any]:
    """One input's examples as one array."""
    if any(not cell for cell in cells):
        raise UsageProblem(f"data {given}: an example has no array for input {spec.name}.")
    values = [np.asarray(cell[0]) for cell in cells]
    odd = next((value for value in values if value.shape != values[0].shape), None)
    if odd is not None:
        raise UsageProblem(
            f"data {given}: examples of {spec.name} have the shapes {list(values[0].shape)} and {list(odd.shape)}."
        )
    return np.stack(values)


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _said(truth: Any) -> str:
    """A truth in a digest."""
    if dataclasses.is_dataclass(truth):
        return " ".join(_said(getattr(truth, item.name)) for item in dataclasses.fields(truth))
    array = np.asarray(truth)
    return f"{array.dtype}{array.shape}{_digest(array)}"
