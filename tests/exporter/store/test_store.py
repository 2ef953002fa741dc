"""Files appear whole or not at all, under whatever comes between."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.data.errors import ToolError, UsageProblem
from exporter.store.cache import Cache, key_of
from exporter.store.digests import tree_digest, tree_size
from exporter.store.output import naming, output_folder, publish, write_text


def fill(folder: Path) -> None:
    (folder / "a.bin").write_bytes(b"x" * 10)


def writing(text: str) -> Callable[[Path], None]:
    """A maker of an entry with one file, ``v``."""

    def make(folder: Path) -> None:
        (folder / "v").write_text(text)

    return make


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
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ToolError, match=f"cache {tmp_path} cannot be written: No space"):
        Cache(tmp_path).store(key_of(1), fail)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'"), ("c", "d", "other")]),
        OSError(errno.ENOSPC, "No space left on device", "{here}/inside"),
    ],
)
def test_a_full_disk_is_said_in_one_way_whatever_a_library_raises(error: OSError, tmp_path: Path) -> None:
    if error.filename:
        error.filename = str(tmp_path / "file" / "inside")
    with pytest.raises(ToolError) as caught, naming(tmp_path / "file"):
        raise error
    said = "cannot be written: No space left on device. Free some space there, or choose another place."
    assert str(caught.value) == f"{tmp_path / 'file'} {said}"


def test_errors_about_other_files_keep_their_own_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), naming(tmp_path / "file"):
        raise FileNotFoundError(errno.ENOENT, "No such file", "/elsewhere/entirely")


def test_two_makers_of_one_entry_agree(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = cache.store(key_of(1), writing("first"))
    second = cache.store(key_of(1), writing("second"))
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
    monkeypatch.setattr("exporter.store.cache.MOST_BYTES", 25)
    cache = Cache(tmp_path)
    for number in range(3):
        entry = cache.store(key_of(number), fill)
        os.utime(entry, (number, number))
    cache.find(key_of(0))
    cache.tidy()
    assert [cache.find(key_of(number)) is not None for number in range(3)] == [True, False, True]


def test_a_dropped_entry_stays_with_whoever_reads_it(tmp_path: Path) -> None:
    """Protects a run beside one with --force: what it was given is not taken away under its hands."""
    cache = Cache(tmp_path)
    reading = cache.store(key_of(1), writing("first"))
    cache.drop(key_of(1))
    anew = cache.store(key_of(1), writing("second"))
    cache.tidy()
    assert (reading / "v").read_text() == "first"
    assert cache.find(key_of(1)) == anew
    assert (anew / "v").read_text() == "second"


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "added", "current"])
def test_a_damaged_entry_is_made_anew(damage: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.store_json(key_of(1), {"a": 1})
    entry = cache.find(key_of(1))
    assert entry is not None
    value = entry / "value.json"
    if damage == "changed":
        value.write_text(json.dumps({"a": 2}))
    elif damage == "cut":
        value.write_text("{")
    elif damage == "gone":
        value.unlink()
    elif damage == "added":
        (entry / "more").touch()
    else:
        (entry.parent / "current").write_bytes(b"\xff/../..")
    assert cache.read_json(key_of(1), dict) is None
    cache.store_json(key_of(1), {"a": 3})
    assert cache.read_json(key_of(1), dict) == {"a": 3}


def test_a_document_of_another_form_is_made_anew(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.store_json(key_of(1), ["old"])
    assert cache.read_json(key_of(1), lambda value: int(value[0])) is None


def test_what_is_being_made_is_not_tidied_away_however_long_it_takes(tmp_path: Path) -> None:
    """Protects trainings of more than a day from a second run that tidies."""
    cache = Cache(tmp_path)

    def make(folder: Path) -> None:
        fill(folder)
        os.utime(folder, (1, 1))
        Cache(tmp_path).tidy()

    assert (cache.store(key_of(1), make) / "a.bin").is_file()


def test_entries_of_older_layouts_are_removed_in_the_end(tmp_path: Path) -> None:
    old = tmp_path / "ab" / "abcdef"
    old.mkdir(parents=True)
    os.utime(old, (1, 1))
    Cache(tmp_path).tidy()
    assert not old.exists()


RECENT_S = 2
"""Far longer than a reader of this test pauses, far shorter than the test."""


def _use(root: str, until: float, number: int, forcing: bool) -> None:
    """Find or make entries, and read what one was given twice, as a run does at its beginning and at its end."""
    cache, turn = Cache(Path(root)), 0
    while time.time() < until:
        turn += 1
        key = key_of(int(4 * time.time()), turn % 3)
        if forcing and turn % 5 == 0:
            cache.drop(key)
        entry = cache.find(key) or cache.store(key, writing("x" * 1000))
        time.sleep(0.01)
        assert (entry / "v").read_bytes() == b"x" * 1000


def _tidy(root: str, until: float) -> None:
    import exporter.store.cache as module

    module.MOST_BYTES = 2000
    module.RECENT_S = RECENT_S
    while time.time() < until:
        Cache(Path(root)).tidy()


@pytest.mark.slow
def test_tidying_races_no_other_run(tmp_path: Path) -> None:
    """Protects finished runs and their readers: tidying raised within seconds beside one writer."""
    context = multiprocessing.get_context("spawn")
    until = time.time() + 5
    jobs = [context.Process(target=_use, args=(str(tmp_path), until, n, n == 0)) for n in range(3)]
    jobs += [context.Process(target=_tidy, args=(str(tmp_path), until)) for _ in range(2)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * 5
    assert len(list((tmp_path / "entries").glob("*/*/*/v"))) < 80, "nothing was tidied away"


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
