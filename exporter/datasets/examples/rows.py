"""Examples that are rows of arrays, one array an input."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.datasets.annotations.given import ArrayTruths
from exporter.datasets.dataset import Dataset
from exporter.datasets.images import normalize


def rows_of(
    name: str,
    digest: str,
    columns: list[NDArray[Any]],
    inputs: Sequence[InputSpec],
    truths: ArrayTruths,
    notes: tuple[str, ...],
) -> Dataset:
    """Examples that are stacked to the declared batch; or whole inputs, where one has no batch first.

    Args:
        columns: an array an input, an example a row, as `column_of` gives them.
        truths: of the examples.

    Raises:
        UsageProblem: the inputs have no common batch.
    """
    whole = any(_is_whole(column, spec) for column, spec in zip(columns, inputs, strict=True))
    sizes = {spec.shape[0] for spec in inputs if spec.shape}
    if not whole and len(sizes) > 1:
        shapes = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in inputs)
        raise UsageProblem(
            f"data {name}: the inputs {shapes} have no common batch, so that each example must have their whole shapes."
        )
    columns = [_completed(column, spec) if whole else column for column, spec in zip(columns, inputs, strict=True)]
    return Dataset(
        name,
        digest,
        len(columns[0]),
        partial(_read_row, columns, tuple(inputs)),
        truths.labels,
        batch_size=1 if whole else sizes.pop(),
        stacked=not whole,
        pixels=all(
            spec.image is None or column.dtype == np.uint8 for column, spec in zip(columns, inputs, strict=True)
        ),
        notes=notes,
        truth_kind=truths.kind,
        truths=truths.read,
    )


def _is_whole(column: NDArray[Any], spec: InputSpec) -> bool:
    return column.dtype != np.uint8 and column.ndim == len(spec.shape) + 1


def _completed(column: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    """Examples as whole inputs: those of a batch of one get their first axis."""
    return column if _is_whole(column, spec) else column[:, None]


def column_of(path: Path, spec: InputSpec, array: NDArray[Any]) -> NDArray[Any]:
    """One input's examples as its type and shape want them; pixels stay pixels.

    Raises:
        UsageProblem: another shape, or values that the input cannot hold.
    """
    expected = list(spec.shape[1:])
    pixels = spec.image is not None and array.dtype == np.uint8
    if pixels and spec.image is not None:
        expected = [*spec.height_width, len(spec.image.mean)]
        if spec.image.color == "GRAY" and list(array.shape[1:]) == expected[:2]:
            array = array[..., None]
    given = list(array.shape[1:])
    if not pixels and given == list(spec.shape) and spec.shape[0] == 1:
        array, given = array[:, 0], expected
    elif not pixels and given == list(spec.shape):
        expected = given
    if given != expected:
        raise UsageProblem(f"data {path}: examples of {spec.name} have shape {given}, not {expected}.")
    if not pixels and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UsageProblem(f"data {path}: {spec.name} has values that are NaN or infinite.")
    if array.dtype.kind == "f" and not spec.dtype.startswith("float") and (array != np.rint(array)).any():
        raise UsageProblem(f"data {path}: {spec.name} takes {spec.dtype}; its values have fractions.")
    return array if pixels else array.astype(spec.dtype)


def casts(name: str, inputs: Sequence[InputSpec], arrays: Sequence[NDArray[Any]]) -> tuple[str, ...]:
    """Where whole numbers were given for an input of floats, which is often data that nobody normalized."""
    return tuple(
        f"{name}: input {spec.name} takes float32, the data holds {array.dtype}; it was taken as it is"
        for spec, array in zip(inputs, arrays, strict=True)
        if spec.dtype == "float32" and array.dtype.kind in "iub" and not (spec.image and array.dtype == np.uint8)
    )


def _read_row(columns: list[NDArray[Any]], inputs: tuple[InputSpec, ...], index: int) -> tuple[NDArray[Any], ...]:
    return tuple(
        normalize(column[index], spec) if column.dtype == np.uint8 and spec.image else column[index]
        for column, spec in zip(columns, inputs, strict=True)
    )
