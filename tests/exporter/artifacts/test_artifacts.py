"""Files appear whole or not at all, under whatever comes between."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from exporter.artifacts.cache import Cache, key_of
from exporter.artifacts.digests import tree_digest, tree_size
from exporter.artifacts.output import output_folder, publish, write_text
from exporter.errors import UsageProblem


def fill(folder: Path) -> None:
    (folder / "a.bin").write_bytes(b"x" * 10)


def test_an_entry_is_found_under_its_key_only(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    key = key_of("a", {"b": 1})
    assert cache.find(key) is None
    entry = cache.store(key, fill)
    assert cache.find(key) == entry
    assert cache.find(key_of("a", {"b": 2})) is None
    cache.drop(key)
    assert cache.find(key) is None


def test_a_failed_entry_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        fill(folder)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        Cache(tmp_path).store(key_of(1), fail)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_two_makers_of_one_entry_agree(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = cache.store(key_of(1), lambda folder: (folder / "v").write_text("first"))
    second = cache.store(key_of(1), lambda folder: (folder / "v").write_text("second"))
    assert first == second
    assert (second / "v").read_text() == "first"


def _store_slowly(root: str) -> None:
    def slow(folder: Path) -> None:
        fill(folder)
        (Path(root) / "started").touch()
        time.sleep(60)

    Cache(Path(root)).store(key_of(1), slow)


def test_kill_9_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_store_slowly, args=(str(tmp_path),))
    process.start()
    while not (tmp_path / "started").exists():
        time.sleep(0.02)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    cache = Cache(tmp_path)
    assert cache.find(key_of(1)) is None
    assert cache.store(key_of(1), fill).is_dir()
    old = time.time() - 2 * 24 * 3600
    for folder in (tmp_path / "tmp").iterdir():
        os.utime(folder, (old, old))
    cache.tidy()
    assert not list((tmp_path / "tmp").iterdir())


def test_the_longest_unused_entries_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.artifacts.cache.MOST_BYTES", 25)
    cache = Cache(tmp_path)
    for number in range(3):
        entry = cache.store(key_of(number), fill)
        os.utime(entry, (number, number))
    cache.find(key_of(0))
    cache.tidy()
    assert [cache.find(key_of(number)) is not None for number in range(3)] == [True, False, True]


def test_publishing_replaces_a_whole_package(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.bin").write_text(name)
    destination = tmp_path / "out" / "Model.mlpackage"
    publish(tmp_path / "old", destination)
    publish(tmp_path / "new", destination)
    assert [path.name for path in destination.iterdir()] == ["new.bin"]
    assert [path.name for path in destination.parent.iterdir()] == ["Model.mlpackage"]


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_output_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageProblem, match="is a file"), output_folder(file):
        pass
    with pytest.raises(UsageProblem, match="cannot be written"), output_folder(file / "below"):
        pass


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    (tmp_path / "target" / ".tmp-abc").mkdir(parents=True)
    with output_folder(tmp_path):
        assert not list((tmp_path / "target").iterdir())


def test_digests_follow_names_and_content(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    before = tree_digest(tmp_path / "a")
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    assert tree_digest(tmp_path / "a") != before
    assert tree_size(tmp_path / "a") == 1
