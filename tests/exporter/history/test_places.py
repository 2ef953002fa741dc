"""Both places of kept runs, and what is refused."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.data.errors import UsageProblem
from exporter.history.database import APPLICATION, STEPS
from exporter.history.documents import read_entry
from exporter.history.places import open_history
from tests.contracts.history import HistoryContract
from tests.exporter.history.runs import write

RECORDS = Path(__file__).resolve().parents[2] / "data" / "records"


class TestDatabase(HistoryContract):
    """One file of SQLite."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "new folder" / "runs%20?#.sqlite"


class TestFolder(HistoryContract):
    """A folder."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "kept"


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def _newer(path: Path) -> None:
    open_history(path, to_write=True)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")


def _cut(path: Path) -> None:
    open_history(path, to_write=True).keep(read_entry(write(path.parent / "run")))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_text("not a database " * 100), "is no history, or damaged"),
        (_foreign, "no history of mobile-export"),
        (_newer, "Upgrade mobile-export"),
        (_cut, "is no history, or damaged"),
        (lambda path: path.touch(), "holds no history"),
    ],
)
def test_a_file_that_is_no_history_is_refused_and_left_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / "h.sqlite"
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(UsageProblem, match=says):
        open_history(path).figures()
    assert path.read_bytes() == before


def test_an_older_file_is_brought_up_step_by_step(tmp_path: Path) -> None:
    """An empty file is of version 0."""
    path = tmp_path / "h.sqlite"
    path.touch()
    open_history(path, to_write=True)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("name", ["with_profiles.json", "without_profiles.json"])
def test_records_of_older_versions_are_kept(tmp_path: Path, name: str) -> None:
    history = open_history(tmp_path / "h.sqlite", to_write=True)
    assert history.keep(read_entry(RECORDS / name))
    assert history.figures()


def test_folders_of_runs_side_by_side_are_a_history(tmp_path: Path) -> None:
    """Also where one was copied; a damaged one is named."""
    write(tmp_path / "runs" / "a", commit="a")
    shutil.copytree(tmp_path / "runs" / "a", tmp_path / "runs" / "b")
    history = open_history(tmp_path / "runs")
    assert [run.revision.commit for run in history.runs() if run.revision] == ["a"]
    (tmp_path / "runs" / "b" / "run.json").write_text("{")
    with pytest.raises(UsageProblem, match=r"b/run\.json is not JSON"):
        history.runs()


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "is not JSON"), ("[]", "schema_version"), ('{"schema_version": 99}', "Upgrade"), (b"\xff", "is not JSON")],
)
def test_what_is_no_run_is_not_kept(tmp_path: Path, text: str | bytes, says: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageProblem, match=says):
        read_entry(path)


def test_samples_of_another_run_are_not_kept_with_it(tmp_path: Path) -> None:
    """A record that was copied without its samples is kept without."""
    document = write(tmp_path / "a")
    (tmp_path / "a" / "samples.json").write_text(json.dumps({"schema_version": 1}))
    with pytest.raises(UsageProblem, match="another run"):
        read_entry(document)
    (tmp_path / "a" / "samples.json").unlink()
    assert read_entry(document).document.samples is None
