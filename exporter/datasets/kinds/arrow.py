"""Tables as the library datasets saves them: a folder with dataset_info.json, an .arrow or a .parquet file."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.data.settings.task import Resize
from exporter.datasets.annotations.classes import class_places, unused_note
from exporter.datasets.dataset import Dataset, digest_files, hash_text
from exporter.datasets.examples.texts import Texts, text_data
from exporter.datasets.files.arrow import ArrowTable
from exporter.datasets.images import DECODING, fit_of, normalize, read_image
from exporter.datasets.kind import Wanted, image_input
from exporter.datasets.truths import Fit

_IMAGES = ("image", "img", "pixel_values")
_LABELS = ("label", "labels", "fine_label")
_TEXTS = ("text", "sentence", "content")


def open_data(given: str, wanted: Wanted) -> Dataset:
    """Rows of an image or a text, with a class.

    Raises:
        UsageProblem: a file is damaged, or there is no such column.
    """
    path = Path(given)
    table = ArrowTable(path)
    label = next((name for name in _LABELS if name in table.columns), None)
    labels, names = (None, ()) if label is None else _labels(table, label, wanted)
    digest = digest_files(table.paths, path, labels, wanted.inputs)
    image = next((name for name in _IMAGES if name in table.columns), None)
    if image is not None:
        return _images(given, table, image, digest, wanted, labels, names)
    text = next((name for name in _TEXTS if name in table.columns), None)
    if text is None:
        raise UsageProblem(
            f"data {given} has the columns {', '.join(table.columns)}; one must be called {', '.join(_IMAGES)}, "
            f"{', '.join(_TEXTS)}."
        )
    columns = {"text" if name == text else "label" if name == label else name: name for name in table.columns}
    texts = Texts(given, digest, table.size, tuple(columns), partial(_record, table, columns), table.where)
    return text_data(texts, wanted, labels, names)


def _labels(table: ArrowTable, column: str, wanted: Wanted) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Class indices: -1, which stands for no label in test splits, and what is no number are refused."""
    cells = table.column(column)
    names = table.classes.get(column, ())
    places, known = class_places(names, wanted, str(table.paths[0]), "classes")
    for index, cell in enumerate(cells):
        if isinstance(cell, bool) or not isinstance(cell, int) or cell < 0 or (places and cell >= len(places)):
            limit = f" from 0 to {len(places) - 1}" if places else ""
            raise UsageProblem(f"data {table.where(index)}: {column} is {cell!r}, not a class{limit}.")
    return tuple(places[cell] if places else cell for cell in cells), known if names else wanted.class_names


def _record(table: ArrowTable, columns: dict[str, str], index: int) -> dict[str, Any]:
    held = (name for name in ("text", "pair", "target", "tokens") if name in columns)
    return {name: table.cell(columns[name], index) for name in held}


def _images(
    given: str,
    table: ArrowTable,
    column: str,
    digest: str,
    wanted: Wanted,
    labels: tuple[int, ...] | None,
    names: tuple[str, ...],
) -> Dataset:
    spec = image_input(given, wanted)
    own = names != wanted.class_names
    return Dataset(
        given,
        hash_text(f"{DECODING} {wanted.resize} {digest}"),
        table.size,
        partial(_read, table, column, spec, wanted.resize),
        labels,
        batch_size=spec.shape[0],
        pixels=True,
        notes=unused_note(given, names, set(labels or ())) if own else (),
        fit=partial(_fit, table, column, spec, wanted.resize),
        class_names=names,
    )


def _stored(table: ArrowTable, column: str, index: int) -> tuple[Path, bytes | None]:
    """The file of an image, or its name and its bytes.

    Raises:
        UsageProblem: the cell is no image.
    """
    cell = table.cell(column, index)
    where = table.where(index)
    if isinstance(cell, bytes):
        return Path(where), cell
    path, held = (cell.get("path"), cell.get("bytes")) if isinstance(cell, dict) else (cell, None)
    if isinstance(held, bytes):
        return Path(where), held
    if isinstance(path, str):
        return table.paths[0].parent / path, None
    raise UsageProblem(f"data {where}: {column} is neither bytes nor a path of an image.")


def _read(
    table: ArrowTable, column: str, spec: InputSpec, resize: Resize, index: int
) -> tuple[NDArray[np.float32], ...]:
    path, held = _stored(table, column, index)
    return (normalize(read_image(path, spec, resize, held), spec),)


def _fit(table: ArrowTable, column: str, spec: InputSpec, resize: Resize, index: int) -> Fit:
    path, held = _stored(table, column, index)
    return fit_of(path, spec, resize, held)
