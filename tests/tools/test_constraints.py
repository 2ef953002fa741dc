"""Pinned versions: protects fresh clones from an environment that nobody tried."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from tools.constraints import ROOT, VERSIONS, digest, header, stale

PYPROJECT = """
[project]
requires-python = ">=3.11"
dependencies = ["click>=8"]
[project.optional-dependencies]
export = ["torch"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with constraints that are up to date."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "constraints").mkdir()
    for version in VERSIONS:
        (tmp_path / "constraints" / f"{version}.txt").write_text(header(version, PYPROJECT) + "click==8.2\n")
    return tmp_path


def test_those_of_this_project_are_up_to_date() -> None:
    assert stale(ROOT) == []


def test_up_to_date(root: Path) -> None:
    assert stale(root) == []


@pytest.mark.parametrize("change", [('"torch"', '"torch>=2"'), ('"click>=8"', ""), (">=3.11", ">=3.12")])
def test_a_change_of_dependencies_is_noticed(root: Path, change: tuple[str, str]) -> None:
    (root / "pyproject.toml").write_text(PYPROJECT.replace(*change))
    assert [path.stem for path in stale(root)] == list(VERSIONS)


def test_a_missing_file_is_noticed(root: Path) -> None:
    (root / "constraints" / f"{VERSIONS[0]}.txt").unlink()
    assert [path.stem for path in stale(root)] == [VERSIONS[0]]


def test_other_changes_are_not(root: Path) -> None:
    """A comment, a tool's setting or a new release of a library leaves the files as they are."""
    (root / "pyproject.toml").write_text(f"# A comment\n{PYPROJECT}\n[tool.ruff]\nline-length = 120\n")
    assert stale(root) == []
    assert digest(PYPROJECT) == digest(PYPROJECT.replace("[project.optional", "\n[project.optional"))


@pytest.mark.parametrize("version", VERSIONS)
def test_pins_are_exact_and_name_no_address(version: str) -> None:
    lines = (ROOT / "constraints" / f"{version}.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 50
    assert [line for line in pins if not re.fullmatch(r"[a-z0-9-]+==[a-z0-9.+]+( ; [^:/]+)?", line)] == []


def test_pythons_are_the_same_everywhere() -> None:
    """The interpreters that are looked for, those with constraints, and those that `export` installs something on."""
    script = (ROOT / "tools" / "find-python").read_text()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert f'supported="{" ".join(VERSIONS)}"' in script
    oldest, newest = VERSIONS[0], VERSIONS[-1].split(".")
    after = f"{newest[0]}.{int(newest[1]) + 1}"
    assert extras["export"] == [
        f"mobile-export[conversion]; python_version >= '{oldest}' and python_version < '{after}'"
    ]


def test_the_tools_are_found() -> None:
    """`make` runs them by these names."""
    assert all(shutil.which(str(ROOT / "tools" / name)) for name in ("find-python", "set-up", "uv"))
