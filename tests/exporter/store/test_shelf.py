"""A cache that several machines share: entries come whole or not at all, and its trouble is no run's."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from exporter.data.errors import UsageProblem
from exporter.data.progress import Advance, Silent
from exporter.execution.stage import Stage, StageRunner
from exporter.store.cache import Cache, key_of, open_cache
from exporter.store.shelf import VARIABLE, Shelf

KEY = key_of("entry")


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a store that is empty."""
    yield f"file://{tmp_path}/shelf" if request.param == "file" else "memory://shelf"
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def notes() -> list[str]:
    return []


def machine(name: str, tmp_path: Path, url: str, notes: list[str]) -> Cache:
    """The cache of a machine that shares `url`."""
    return Cache(tmp_path / name, Shelf(url, notes.append))


def fill(folder: Path) -> None:
    (folder / "Model.mlpackage" / "Data").mkdir(parents=True)
    (folder / "Model.mlpackage" / "Data" / "weight.bin").write_bytes(bytes(range(256)) * 1000)
    (folder / "made.json").write_text("{}")


def stored(url: str) -> tuple[Any, str]:
    """The store, and the path of its only file."""
    store, path = fsspec.core.url_to_fs(url)
    [found] = store.find(path)
    return store, found


def test_what_one_machine_made_another_finds(tmp_path: Path, url: str, notes: list[str]) -> None:
    """The same files, kept there from then on."""
    made = machine("first", tmp_path, url, notes).store(KEY, fill)
    second = machine("second", tmp_path, url, notes)
    assert second.find(key_of("another")) is None
    found = second.find(KEY)
    assert found is not None
    assert found.name == made.name
    assert (found / "Model.mlpackage" / "Data" / "weight.bin").read_bytes() == bytes(range(256)) * 1000
    assert Cache(tmp_path / "second").find(KEY) == found
    assert Cache(tmp_path / "third").find(KEY) is None
    assert notes == []


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "another"])
def test_a_damaged_entry_is_none_and_is_made_anew(tmp_path: Path, url: str, notes: list[str], damage: str) -> None:
    """Such as one that another machine is just writing; what is made instead takes its place."""
    machine("first", tmp_path, url, notes).store(KEY, fill)
    store, path = stored(url)
    whole = store.cat_file(path)
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle],
        "changed": whole[:middle] + b"?" + whole[middle + 1 :],
        "empty": b"",
        "another": b"0" * 64 + whole[64:],
    }
    store.pipe_file(path, damaged[damage])
    second = machine("second", tmp_path, url, notes)
    assert second.find(KEY) is None
    second.store(KEY, fill)
    assert machine("third", tmp_path, url, notes).find(KEY) is not None
    assert notes == []


def test_an_entry_writes_nowhere_but_in_its_folder(tmp_path: Path, url: str, notes: list[str]) -> None:
    """Whoever may write there may not write elsewhere on the machines that read."""
    machine("first", tmp_path, url, notes).store(KEY, fill)
    store, path = stored(url)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        member = tarfile.TarInfo("../../../../escaped")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    store.pipe_file(path, b"0" * 64 + content.getvalue())
    assert machine("second", tmp_path, url, notes).find(KEY) is None
    assert not list(tmp_path.rglob("escaped"))


class Unreachable(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """A store whose host does not answer."""

    protocol = "unreachable"
    asked = 0

    def _open(self, *_: object, **__: object) -> object:
        Unreachable.asked += 1
        raise ConnectionError("Could not connect to the endpoint URL")


def test_a_store_that_cannot_be_reached_is_told_once_and_fails_nothing(tmp_path: Path, notes: list[str]) -> None:
    fsspec.register_implementation("unreachable", Unreachable, clobber=True)
    cache = machine("first", tmp_path, "unreachable://team", notes)
    assert cache.find(KEY) is None
    assert cache.find(cache.store(KEY, fill).parent.name) is not None
    assert notes == [
        "The shared cache unreachable://team is not used any more: "
        "ConnectionError: Could not connect to the endpoint URL"
    ]
    assert Unreachable.asked == 1, "nobody waits for it again"


def test_a_place_that_cannot_be_written_to_is_told_and_fails_nothing(tmp_path: Path, notes: list[str]) -> None:
    (tmp_path / "file").touch()
    cache = machine("first", tmp_path, f"file://{tmp_path}/file/shelf", notes)
    assert cache.store(KEY, fill).is_dir()
    assert len(notes) == 1
    assert "is not used any more: " in notes[0]


def test_the_user_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, notes: list[str]) -> None:
    monkeypatch.setenv(VARIABLE, url)
    open_cache(tmp_path / "first", notes.append).store_json(KEY, {"a": 1})
    assert open_cache(tmp_path / "second", notes.append).read_json(KEY, dict) == {"a": 1}
    monkeypatch.delenv(VARIABLE)
    assert open_cache(tmp_path / "third", notes.append).read_json(KEY, dict) is None
    monkeypatch.setenv(VARIABLE, "nowhere://x")
    with pytest.raises(
        UsageProblem, match=r"the shared cache nowhere://x \(MOBILE_EXPORT_SHARED_CACHE\) cannot be used"
    ):
        open_cache(tmp_path / "first", notes.append)


def test_what_is_true_of_one_machine_stays_there_and_force_makes_anew(
    tmp_path: Path, url: str, notes: list[str]
) -> None:
    """Protects readings from those of another machine of the same kind."""

    def value(name: str, stage: Stage, made: int, force: bool = False) -> int:
        def compute(advance: Advance) -> int:
            return made

        runner = StageRunner(machine(name, tmp_path, url, notes), Silent(), dict, force=force)
        return int(runner.value(stage, int, compute).value)

    shared, alone = Stage("a", "", "", ()), Stage("b", "", "", (), shared=False)
    assert [value("first", shared, 1), value("second", shared, 2)] == [1, 1]
    assert [value("first", alone, 1), value("second", alone, 2), value("second", alone, 3)] == [1, 2, 2]
    assert [value("second", shared, 4, force=True), value("third", shared, 5)] == [4, 4]
    assert notes == []
