"""Stages of a run: a result is found again by everything that decided it, and by nothing else."""

import math
from pathlib import Path
from typing import Any

import pytest

from exporter.data.progress import Silent
from exporter.execution import stage as runner_module
from exporter.execution.stage import Stage, StageRunner
from exporter.store.cache import Cache
from exporter.store.code import SHOWING, code_digest, folder_digest

TOOLS = {"torch": "1"}


def runner(folder: Path, *, force: bool = False, tools: dict[str, str] = TOOLS) -> StageRunner:
    return StageRunner(Cache(folder / "cache"), Silent(), lambda: tools, force=force)


def stage(*decided_by: Any, name: str = "work") -> Stage:
    return Stage(name, "t", "Working", decided_by)


def test_a_value_is_computed_once(tmp_path: Path) -> None:
    """Also one that JSON has no number for."""
    first = runner(tmp_path).value(stage(1), list[float], lambda _: [1.5, math.inf])
    again = runner(tmp_path).value(stage(1), list[float], lambda _: pytest.fail("it is known"))
    assert (first.from_cache, again.from_cache) == (False, True)
    assert again.value == first.value
    assert again.key == first.key


@pytest.mark.parametrize("changed", ["name", "decided_by", "tools", "code"])
def test_whatever_decides_a_result_is_in_its_key(changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = runner(tmp_path).key(stage(1))
    assert runner(tmp_path).key(stage(1)) == before
    if changed == "code":
        monkeypatch.setattr(runner_module, "code_digest", lambda: "of other code")
    tools = {"torch": "2"} if changed == "tools" else TOOLS
    other = stage(2) if changed == "decided_by" else stage(1, name="other" if changed == "name" else "work")
    assert runner(tmp_path, tools=tools).key(other) != before


def test_what_a_stage_is_about_decides_nothing(tmp_path: Path) -> None:
    """Two targets with the same settings share one artifact."""
    assert runner(tmp_path).key(Stage("work", "a", "", (1,))) == runner(tmp_path).key(Stage("work", "b", "x", (1,)))


def test_a_folder_is_filled_once_and_anew_when_forced(tmp_path: Path) -> None:
    filled = []

    def fill(folder: Path) -> None:
        filled.append(folder)
        (folder / "file").write_text(str(len(filled)))

    for force in (False, False, True):
        done = runner(tmp_path, force=force).folder(stage(1), fill)
    assert len(filled) == 2
    assert (done.value / "file").read_text() == "2"


def test_work_that_fails_leaves_nothing_known_and_is_no_time(tmp_path: Path) -> None:
    def fails(_: object) -> list[float]:
        raise ValueError("no")

    stages = runner(tmp_path)
    with pytest.raises(ValueError, match="no"):
        stages.value(stage(1), list[float], fails)
    assert stages.times == []
    assert not stages.value(stage(1), list[float], lambda _: [1.0]).from_cache


def test_every_stage_is_timed_and_told(tmp_path: Path) -> None:
    stages = runner(tmp_path)
    for _ in range(2):
        stages.value(stage(1), list[float], lambda _: [1.0])
    assert [(one.name, one.about, one.from_cache) for one in stages.times] == [
        ("work", "t", False),
        ("work", "t", True),
    ]


def test_a_changed_module_is_other_code_unless_it_only_shows(tmp_path: Path) -> None:
    """Nobody raises a number by hand; a report that says something else makes no artifact anew."""
    for name in ("deciding", "report"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("a = 1")
    before = folder_digest(tmp_path, SHOWING)
    (tmp_path / "report" / "a.py").write_text("a = 2")
    (tmp_path / "deciding" / "__pycache__").mkdir()
    (tmp_path / "deciding" / "__pycache__" / "a.pyc").write_text("compiled")
    assert folder_digest(tmp_path, SHOWING) == before
    (tmp_path / "deciding" / "a.py").write_text("a = 2")
    changed = folder_digest(tmp_path, SHOWING)
    (tmp_path / "new.py").touch()
    assert len({before, changed, folder_digest(tmp_path, SHOWING)}) == 3
    assert code_digest() == code_digest()
