"""Arrow tables as the library datasets saves them, and Parquet: rows by index, through pyarrow alone.

Source: https://huggingface.co/docs/datasets/about_arrow; https://arrow.apache.org/docs/format/Columnar.html.
"""

import bisect
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.datasets.files.documents import read_json
from exporter.execution.heavy import load


@dataclass(frozen=True)
class _Part:
    """A file, or a row group of one.

    Attributes:
        table: gives its rows: of Arrow a view of the mapped file, of Parquet decompressed when it is asked for.
    """

    path: Path
    rows: int
    table: Callable[[], Any] = field(repr=False)


class ArrowTable:
    """The rows of one or several files, in their order.

    Attributes:
        paths: of the files.
        size: rows of all.
        columns: names.
        classes: column -> names of its classes, where the files say them.

    Raises:
        UsageProblem: a file is damaged, or has other columns than the first; a folder has no such files.
    """

    def __init__(self, path: Path) -> None:
        self.paths = _files(path)
        schemas, parts = zip(*map(_opened, self.paths), strict=True)
        self.columns = tuple(schemas[0].names)
        odd = next(
            (file for file, schema in zip(self.paths, schemas, strict=True) if schema.names != schemas[0].names), None
        )
        if odd is not None:
            raise UsageProblem(f"data {odd} has other columns than {self.paths[0].name}.")
        self._parts: list[_Part] = list(itertools.chain.from_iterable(parts))
        self._ends = list(itertools.accumulate(part.rows for part in self._parts))
        self.size = self._ends[-1] if self._ends else 0
        if not self.size:
            raise UsageProblem(f"data {path} has no rows.")
        self.classes = _classes(path, schemas[0])

    def column(self, name: str) -> list[Any]:
        """All cells of a column, as Python has them."""
        return [cell for part in self._parts for cell in self._read(part, lambda table: table.column(name).to_pylist())]

    def cell(self, name: str, index: int) -> Any:
        """One cell; nothing of other rows is copied."""
        place, row = self._place(index)
        return self._read(self._parts[place], lambda table: table.column(name)[row].as_py())

    def where(self, index: int) -> str:
        """File and row, for messages."""
        place, row = self._place(index)
        path = self._parts[place].path
        before = sum(part.rows for part in self._parts[:place] if part.path == path)
        return f"{path}, row {before + row + 1}"

    def _place(self, index: int) -> tuple[int, int]:
        place = bisect.bisect_right(self._ends, index)
        return place, index - (self._ends[place] - self._parts[place].rows)

    @staticmethod
    def _read(part: _Part, take: Callable[[Any], Any]) -> Any:
        arrow = load("pyarrow")
        try:
            return take(part.table())
        except (OSError, ValueError, arrow.ArrowException) as error:
            raise UsageProblem(f"data {part.path} is damaged: {error}.") from error


def _files(path: Path) -> tuple[Path, ...]:
    """The files of a folder in the order that its state.json says, else by name."""
    if not path.is_dir():
        return (path,)
    state = read_json(path / "state.json") if (path / "state.json").is_file() else {}
    said = state.get("_data_files") if isinstance(state, dict) else None
    names = [item.get("filename") for item in said if isinstance(item, dict)] if isinstance(said, list) else []
    files = [path / str(name) for name in names] or sorted((*path.glob("*.arrow"), *path.glob("*.parquet")))
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None or not files:
        raise UsageProblem(f"data {path}: there is no {missing.name if missing else '.arrow file'} in it.")
    return tuple(files)


def _opened(path: Path) -> tuple[Any, list[_Part]]:
    """The schema and the parts of a file.

    Raises:
        UsageProblem: it is damaged.
    """
    arrow = load("pyarrow")
    try:
        return _parquet(path) if path.suffix == ".parquet" else _mapped(path)
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise UsageProblem(f"data {path} is no Arrow or Parquet file, or a damaged one: {error}.") from error


def _mapped(path: Path) -> tuple[Any, list[_Part]]:
    """An Arrow file or stream; the table is a view of the mapped memory."""
    arrow, ipc = load("pyarrow"), load("pyarrow.ipc")
    source = arrow.memory_map(str(path))
    try:
        table = ipc.open_stream(source).read_all()
    except arrow.ArrowInvalid:
        source.seek(0)
        table = ipc.open_file(source).read_all()
    table.validate(full=True)  # offsets that lead out of the file would be followed
    return table.schema, [_Part(path, table.num_rows, lambda: table)]


def _parquet(path: Path) -> tuple[Any, list[_Part]]:
    """A row group a part; the one read last is kept."""
    file = load("pyarrow.parquet").ParquetFile(path, memory_map=True)
    kept = lru_cache(maxsize=1)(file.read_row_group)
    counts = [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)]
    return file.schema_arrow, [_Part(path, rows, partial(kept, place)) for place, rows in enumerate(counts)]


def _classes(path: Path, schema: Any) -> dict[str, tuple[str, ...]]:
    """Names of classes by column: from the schema's own note of its features, else from dataset_info.json."""
    note = (schema.metadata or {}).get(b"huggingface")
    said = _info(note) if note else None
    if said is None and path.is_dir():
        said = read_json(path / "dataset_info.json")
    features = said.get("features") if isinstance(said, dict) else None
    return {
        name: tuple(map(str, kind["names"]))
        for name, kind in (features.items() if isinstance(features, dict) else ())
        if isinstance(kind, dict) and isinstance(kind.get("names"), Sequence)
    }


def _info(note: bytes) -> Any:
    """The features as the schema has them; None where the note is another program's."""
    try:
        found = json.loads(note)
    except ValueError:
        return None
    return found.get("info") if isinstance(found, dict) else None
