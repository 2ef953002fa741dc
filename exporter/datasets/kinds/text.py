"""Text: a CSV or JSON lines with a column ``text``, and ``label``, ``target`` or ``tokens``."""

from collections.abc import Sequence
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.datasets.annotations.classes import class_places
from exporter.datasets.dataset import Dataset
from exporter.datasets.examples.texts import Texts, text_data
from exporter.datasets.files.documents import Line, read_table
from exporter.datasets.kind import Wanted
from exporter.store.given import given_digest


def open_data(given: str, wanted: Wanted) -> Dataset:
    """The records of a file; labels are indices or names of classes.

    Raises:
        UsageProblem: no tokenizer is set, or a line is wrong; it is named.
    """
    path = Path(given)
    lines = read_table(path)
    odd = next((line for line in lines if not isinstance(line.cells.get("text"), str)), None)
    if odd is not None:
        raise UsageProblem(f"data {path}, line {odd.number}: there is no string under text.")
    texts = Texts(
        given,
        given_digest(path),
        len(lines),
        tuple(lines[0].cells),
        lambda index: lines[index].cells,
        lambda index: f"{path}, line {lines[index].number}",
    )
    labels, names = _labels(path, lines, wanted) if "label" in lines[0].cells else (None, ())
    return text_data(texts, wanted, labels, names)


def _labels(path: Path, lines: Sequence[Line], wanted: Wanted) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Class indices; names are found among the model's, else count in the order of the alphabet."""
    cells = [_cell(path, line) for line in lines]
    named = [cell for cell in cells if not cell.lstrip("-").isdigit()]
    if not named:
        return tuple(map(int, cells)), wanted.class_names
    if len(named) < len(cells):
        line = next(line for line in lines if _cell(path, line) == named[0])
        raise UsageProblem(f"data {path}, line {line.number}: label {named[0]!r} is a name, and others are numbers.")
    order = sorted(set(cells))
    places, names = class_places(order, wanted, str(path), "labels")
    index = dict(zip(order, places, strict=True))
    return tuple(index[cell] for cell in cells), names


def _cell(path: Path, line: Line) -> str:
    value = line.cells.get("label")
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise UsageProblem(f"data {path}, line {line.number}: label is {value!r}, not a class.")
    return str(value)
