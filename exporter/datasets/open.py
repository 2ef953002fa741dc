"""Opens what the user gave for `--calibration` or `--evaluation`."""

import csv
import dataclasses
import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.data.settings.task import Resize
from exporter.datasets.dataset import Dataset, digest_files
from exporter.datasets.images import DECODING, SUFFIXES, normalize, read_image, whole_pixels
from exporter.store.given import given_digest


def open_dataset(given: str, inputs: Sequence[InputSpec], resize: Resize, class_names: Sequence[str] = ()) -> Dataset:
    """A dataset from a folder of images, a CSV of ``path,label``, an .npz, or ``module:factory``.

    Args:
        given: the user's argument.
        inputs: what the model takes.
        resize: how images of another size are fitted.
        class_names: the model's classes, to match the sub-folders of a folder against.

    Raises:
        UsageProblem: not readable, empty, or not of the model's shape.
    """
    path = Path(given)
    if path.is_dir():
        return _from_folder(path, inputs, resize, class_names)
    if path.suffix == ".csv":
        return _from_manifest(path, inputs, resize, class_names)
    if path.suffix == ".npz":
        return _from_arrays(path, inputs)
    if ":" in given and not path.exists():
        return _from_factory(given, inputs)
    if not path.exists():
        raise UsageProblem(f"data {given}: there is no such file or folder.")
    raise UsageProblem(f"data {given}: give a folder of images, a .csv of path,label, an .npz, or module:factory.")


def _from_folder(folder: Path, inputs: Sequence[InputSpec], resize: Resize, class_names: Sequence[str]) -> Dataset:
    try:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise UsageProblem(f"data {folder}: {error.strerror}.") from error
    if not paths:
        raise UsageProblem(f"data {folder} has no images ({', '.join(sorted(SUFFIXES))}).")
    return _images(str(folder), paths, folder, _folder_labels(paths, folder, class_names), inputs, resize)


def _folder_labels(paths: Sequence[Path], folder: Path, class_names: Sequence[str]) -> tuple[int, ...] | None:
    """Class indices when every image lies in a class folder: by the model's names, else by sorted folder names."""
    if any(path.parent == folder for path in paths):
        return None
    names = [path.relative_to(folder).parts[0] for path in paths]
    known = set(names) & set(class_names)
    if known and set(names) - known:
        strange = ", ".join(sorted(set(names) - known)[:5])
        raise UsageProblem(f"data {folder}: folders {strange} are no classes of the model, others are; rename them.")
    order = list(class_names) if known else sorted(set(names))
    index = {name: position for position, name in enumerate(order)}
    return tuple(index[name] for name in names)


def _from_manifest(path: Path, inputs: Sequence[InputSpec], resize: Resize, class_names: Sequence[str]) -> Dataset:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageProblem(f"data {path} cannot be read: {error}.") from error
    if not rows or "path" not in rows[0]:
        raise UsageProblem(f"data {path}: the first line must be path,label and at least one more must follow.")
    if any(None in row or row["path"] is None for row in rows):
        raise UsageProblem(f"data {path}: a line has too many or too few cells.")
    paths = [path.parent / row["path"] for row in rows]
    missing = [item for item in paths if not item.is_file()]
    if missing:
        raise UsageProblem(
            f"data {path}: {len(missing)} of {len(paths)} images are not there, the first is {missing[0]}."
        )
    labels = None
    if "label" in rows[0]:
        labels = tuple(_label(row["label"], line, path, class_names) for line, row in enumerate(rows, start=2))
    return _images(str(path), paths, path.parent, labels, inputs, resize)


def _label(cell: str, line: int, path: Path, class_names: Sequence[str]) -> int:
    if cell in class_names:
        return class_names.index(cell)
    try:
        return int(cell)
    except (TypeError, ValueError) as error:
        raise UsageProblem(f"data {path}, line {line}: label {cell!r} is neither a number nor a class name.") from error


def _images(
    name: str,
    paths: Sequence[Path],
    root: Path,
    labels: tuple[int, ...] | None,
    inputs: Sequence[InputSpec],
    resize: Resize,
) -> Dataset:
    if len(inputs) != 1 or inputs[0].image is None:
        shapes = ", ".join(f"{item.name} {list(item.shape)}" for item in inputs)
        raise UsageProblem(f"data {name} holds images; the model's inputs are {shapes}. Give an .npz or a factory.")
    read = partial(_read_image_example, tuple(paths), inputs[0], resize)
    # How an image of another size is fitted decides what the model sees.
    digest = hash_text(f"{DECODING} {resize} {digest_files(paths, root, labels, inputs)}")
    return Dataset(name, digest, len(paths), read, labels, tuple(paths), inputs[0].shape[0], pixels=True)


def _read_image_example(
    paths: tuple[Path, ...], spec: InputSpec, resize: Resize, index: int
) -> tuple[NDArray[np.float32], ...]:
    return (normalize(read_image(paths[index], spec, resize), spec),)


def _from_arrays(path: Path, inputs: Sequence[InputSpec]) -> Dataset:
    """Arrays named as the inputs (or ``x`` for a single one) and ``y`` for labels; uint8 images are normalized."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError) as error:
        raise UsageProblem(f"data {path} cannot be read: {error}.") from error
    if len(inputs) == 1 and inputs[0].name not in arrays and "x" in arrays:
        arrays[inputs[0].name] = arrays.pop("x")
    missing = [spec.name for spec in inputs if spec.name not in arrays]
    if missing:
        raise UsageProblem(
            f"data {path} has arrays {', '.join(sorted(arrays))}, but none for input {', '.join(missing)}."
        )
    columns = [_column(path, spec, arrays[spec.name]) for spec in inputs]
    notes = _casts(str(path), inputs, [arrays[spec.name] for spec in inputs])
    labels = tuple(int(label) for label in arrays["y"].reshape(-1)) if "y" in arrays else None
    sizes = {len(column) for column in columns} | ({len(labels)} if labels is not None else set())
    if len(sizes) != 1 or 0 in sizes:
        raise UsageProblem(f"data {path}: arrays must have the same length, at least 1; they have {sorted(sizes)}.")
    return _rows(str(path), _array_digest(path, inputs), columns, inputs, labels, notes)


def _rows(
    name: str,
    digest: str,
    columns: list[NDArray[Any]],
    inputs: Sequence[InputSpec],
    labels: tuple[int, ...] | None,
    notes: tuple[str, ...],
) -> Dataset:
    """Examples that are stacked to the declared batch; or whole inputs, where one has no batch first."""
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
        labels,
        batch_size=1 if whole else sizes.pop(),
        stacked=not whole,
        pixels=all(
            spec.image is None or column.dtype == np.uint8 for column, spec in zip(columns, inputs, strict=True)
        ),
        notes=notes,
    )


def as_pictures(data: Dataset, inputs: Sequence[InputSpec]) -> Dataset:
    """The same examples as an image input can hold them: whole pixels from 0 to 255."""
    if data.pixels:
        return data

    def rounded(value: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
        if spec.image is None:
            return value
        return whole_pixels(value[None], spec)[0] if data.stacked else whole_pixels(value, spec)

    def read(index: int) -> tuple[NDArray[Any], ...]:
        return tuple(rounded(value, spec) for value, spec in zip(data.read(index), inputs, strict=True))

    return dataclasses.replace(data, digest=f"{data.digest}-pixels", read=read, pixels=True)


def _is_whole(column: NDArray[Any], spec: InputSpec) -> bool:
    return column.dtype != np.uint8 and column.ndim == len(spec.shape) + 1


def _completed(column: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    """Examples as whole inputs: those of a batch of one get their first axis."""
    return column if _is_whole(column, spec) else column[:, None]


def _column(path: Path, spec: InputSpec, array: NDArray[Any]) -> NDArray[Any]:
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


def _casts(name: str, inputs: Sequence[InputSpec], arrays: Sequence[NDArray[Any]]) -> tuple[str, ...]:
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


def _array_digest(path: Path, inputs: Sequence[InputSpec]) -> str:
    return hash_text("\0".join([given_digest(path), *(spec.model_dump_json() for spec in inputs)]))


def hash_text(text: str) -> str:
    """SHA-256 of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()


def _from_factory(given: str, inputs: Sequence[InputSpec]) -> Dataset:
    """An iterable of examples, or of ``(example, label)``; an example is an array, or a tuple of one an input."""
    from exporter.sources.factories import import_attribute

    try:
        items = list(import_attribute(given)())
    except UsageProblem:
        raise
    except Exception as error:
        raise UsageProblem(f"data {given}: the factory failed: {type(error).__name__}: {error}") from error
    if not items:
        raise UsageProblem(f"data {given}: the factory gave no examples.")
    labelled = all(isinstance(item, tuple) and len(item) == 2 and np.ndim(item[1]) == 0 for item in items)
    labels = tuple(int(item[1]) for item in items) if labelled else None
    rows = [item[0] if labelled else item for item in items]
    rows = [row if isinstance(row, tuple) else (row,) for row in rows]
    cells = [[row[position : position + 1] for row in rows] for position in range(len(inputs))]
    arrays = [_stacked(given, spec, column) for spec, column in zip(inputs, cells, strict=True)]
    columns = [_column(Path(given), spec, array) for spec, array in zip(inputs, arrays, strict=True)]
    digest = hash_text("\0".join([*(hash_text(column.tobytes().hex()) for column in columns), str(labels)]))
    return _rows(given, digest, columns, inputs, labels, _casts(given, inputs, arrays))


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
