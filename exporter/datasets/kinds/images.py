"""Images with one class each: a folder of them, or a CSV of ``path,label``."""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.datasets.annotations.classes import class_places
from exporter.datasets.dataset import Dataset
from exporter.datasets.examples.pictures import images_in, pictures
from exporter.datasets.kind import Wanted


def open_data(given: str, wanted: Wanted) -> Dataset:
    """A folder, whose sub-folders are classes; or a manifest."""
    path = Path(given)
    return _folder(path, wanted) if path.is_dir() else _manifest(path, wanted)


def _folder(folder: Path, wanted: Wanted) -> Dataset:
    paths = images_in(folder)
    if any(path.parent == folder for path in paths):
        return pictures(str(folder), paths, folder, wanted)
    labels, names = folder_labels(paths, folder, wanted)
    data = pictures(str(folder), paths, folder, wanted, labels)
    return dataclasses.replace(data, class_names=names, notes=(*data.notes, *_empty_note(folder, paths)))


def folder_labels(paths: Sequence[Path], folder: Path, wanted: Wanted) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Class indices of files in class folders, and names: by the model's, else by sorted names of folders."""
    names = [path.relative_to(folder).parts[0] for path in paths]
    order = sorted(set(names))
    places, known = class_places(order, wanted, str(folder), "folders")
    index = dict(zip(order, places, strict=True))
    return tuple(index[name] for name in names), known


def _empty_note(folder: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    used = {path.relative_to(folder).parts[0] for path in paths}
    empty = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name not in used)
    return (
        (f"data {folder}: no image in the class folders {', '.join(empty)}; classes are counted without them",)
        if empty
        else ()
    )


def _manifest(path: Path, wanted: Wanted) -> Dataset:
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
        labels = tuple(label_of(row["label"], line, path, wanted) for line, row in enumerate(rows, start=2))
    data = pictures(str(path), paths, path.parent, wanted, labels)
    return dataclasses.replace(data, class_names=wanted.class_names if labels else ())


def label_of(cell: str, line: int, path: Path, wanted: Wanted) -> int:
    """The class index that a cell means, which has a number or one of the model's names.

    Raises:
        UsageProblem: neither.
    """
    if cell in wanted.class_names:
        return wanted.class_names.index(cell)
    try:
        return int(cell)
    except (TypeError, ValueError) as error:
        raise UsageProblem(f"data {path}, line {line}: label {cell!r} is neither a number nor a class name.") from error
