"""Arrow and Parquet: rows by index out of mapped files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from exporter.data.errors import UsageProblem
from exporter.datasets.files.arrow import ArrowTable
from exporter.datasets.images import normalize
from tests.exporter.datasets.kinds.made import (
    HEIGHT,
    IDS,
    WIDTH,
    arrow,
    image_spec,
    opened,
    parquet,
    pixels,
    write_images,
    write_tokenizer,
)

SPEC = image_spec(HEIGHT, WIDTH)


@pytest.mark.parametrize("write", [arrow, parquet])
def test_images_are_those_that_were_saved(write: Any, tmp_path: Path) -> None:
    data = opened(write(tmp_path), "class", (SPEC,))
    assert data.labels == (0, 1, 0)
    assert data.class_names == ("cat", "dog")
    for index in (2, 0, 1):
        np.testing.assert_array_equal(data.read(index)[0], normalize(pixels(index), SPEC))


def test_classes_are_the_model_s_where_it_has_their_names(tmp_path: Path) -> None:
    assert opened(arrow(tmp_path), "class", (SPEC,), names=("dog", "cat")).labels == (1, 0, 1)


def test_paths_of_images_are_beside_the_file(tmp_path: Path) -> None:
    names = write_images(tmp_path)
    pyarrow.parquet.write_table(pyarrow.table({"image": names}), tmp_path / "x.parquet")
    data = opened(tmp_path / "x.parquet", None, (SPEC,))
    np.testing.assert_array_equal(data.read(1)[0], normalize(pixels(1), SPEC))


def test_text_is_tokenized(tmp_path: Path) -> None:
    with pyarrow.OSFile(str(tmp_path / "x.arrow"), "wb") as sink:
        table = pyarrow.table({"sentence": ["good film", "bad"], "label": [1, 0]})
        with pyarrow.ipc.new_file(sink, table.schema) as writer:  # the file format, where datasets writes streams
            writer.write_table(table)
    data = opened(tmp_path / "x.arrow", "class", IDS, settings={"tokenizer": write_tokenizer(tmp_path)})
    assert data.labels == (1, 0)
    np.testing.assert_array_equal(data.read(1)[0], [1, 5, 2, 0, 0, 0])


def test_an_arrow_file_is_mapped_and_not_read(tmp_path: Path) -> None:
    """Protects memory: data sets are larger than it."""
    value = pyarrow.array([b"\0" * (8 << 20)] * 4)
    with pyarrow.OSFile(str(tmp_path / "x.arrow"), "wb") as sink:
        table = pyarrow.table({"image": value})
        with pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    del table, value
    before = pyarrow.total_allocated_bytes()
    opened_table = ArrowTable(tmp_path / "x.arrow")
    assert opened_table.size == 4
    assert pyarrow.total_allocated_bytes() - before < 1 << 20


def test_a_class_without_examples_is_a_note(tmp_path: Path) -> None:
    features = {"label": {"names": ["cat", "dog", "yak"]}}
    (tmp_path / "0.png").write_bytes(b"")
    table = pyarrow.table({"image": ["0.png", "0.png"], "label": [0, 1]}).replace_schema_metadata(
        {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    )
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    (note,) = opened(tmp_path / "x.parquet", "class", (SPEC,)).notes
    assert "(yak)" in note


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"image": ["a"], "label": [-1]}, r"x\.parquet, row 1: label is -1"),
        ({"image": ["a", "b"], "label": [0, None]}, "row 2: label is None"),
        ({"image": ["a"], "label": ["cat"]}, "label is 'cat'"),
        ({"picture": ["a"]}, "has the columns picture; one must be called image"),
        ({"image": pyarrow.array([], pyarrow.string())}, "has no rows"),
        ({"text": ["a"]}, "set tokenizer"),
    ],
)
def test_mistakes_are_named_by_their_row(columns: Any, says: str, tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "x.parquet")
    with pytest.raises(UsageProblem, match=says):
        opened(tmp_path / "x.parquet", "class", (SPEC,))


@pytest.mark.parametrize("cell", [b"none", "absent.png", {"bytes": None, "path": None}])
def test_cells_that_are_no_image_are_named(cell: Any, tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"image": [cell]}), tmp_path / "x.parquet")
    data = opened(tmp_path / "x.parquet", None, (SPEC,))
    with pytest.raises(UsageProblem, match=r"x\.parquet, row 1.*(cannot be decoded|neither)|absent\.png"):
        data.read(0)


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
@pytest.mark.parametrize("content", [b"", b"none", b"PAR1" + b"\0" * 40])
def test_damaged_files_are_named(suffix: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / f"x{suffix}").write_bytes(content)
    with pytest.raises(UsageProblem, match=rf"x\{suffix}"):
        opened(tmp_path / f"x{suffix}", None, (SPEC,))


def test_files_cut_short_are_named(tmp_path: Path) -> None:
    given = Path(arrow(tmp_path))
    for path in given.glob("data-00001*"):
        path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(UsageProblem, match="data-00001"):
        opened(given, "class", (SPEC,)).read(2)


def test_offsets_that_lead_out_of_the_file_are_refused(tmp_path: Path) -> None:
    """Followed, they end the process."""
    table = pyarrow.table({"image": [b"a" * 5, b"b" * 6, b"c" * 7]})
    with pyarrow.OSFile(str(tmp_path / "x.arrow"), "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content = (tmp_path / "x.arrow").read_bytes()
    offsets = np.array([0, 5, 11, 18], np.int32).tobytes()
    assert content.count(offsets) == 1
    (tmp_path / "x.arrow").write_bytes(content.replace(offsets, np.array([0, 5, 1 << 30, 18], np.int32).tobytes()))
    with pytest.raises(UsageProblem, match="or a damaged one"):
        opened(tmp_path / "x.arrow", None, (SPEC,))


def test_folders_without_their_files_are_named(tmp_path: Path) -> None:
    given = Path(arrow(tmp_path))
    (given / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(UsageProblem, match=r"there is no data-00001-of-00002\.arrow"):
        opened(given, "class", (SPEC,))
    for path in given.glob("data-*"):
        path.unlink()
    (given / "state.json").unlink()
    with pytest.raises(UsageProblem, match=r"there is no \.arrow file"):
        opened(given, "class", (SPEC,))


def test_files_of_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text("{}")
    for place, name in enumerate(("image", "picture")):
        pyarrow.parquet.write_table(pyarrow.table({name: ["a"]}), tmp_path / f"{place}.parquet")
    with pytest.raises(UsageProblem, match=r"1\.parquet has other columns than 0\.parquet"):
        opened(tmp_path, None, (SPEC,))
