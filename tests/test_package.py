"""What users are given: the wheel has every file of the program and nothing else, and the sdist can be built from."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("mobile_export", "exporter", "profilers", "device_harness")
NOT_SHIPPED = "device_harness/native/test/"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built as `pip` and `tools/release` do it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a checkout of git")
    return {path for path in done.stdout.splitlines() if (ROOT / path).exists()}


def test_the_wheel_has_the_program_and_nothing_else(built: Path, tracked: set[str]) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    own = {path for path in tracked if path.startswith(tuple(f"{name}/" for name in PACKAGES))}
    pinned = {f"exporter/{path}" for path in tracked if path.startswith("constraints/")}
    expected = {path for path in own if not path.startswith(NOT_SHIPPED)} | {"exporter/targets.toml"} | pinned
    assert inside - new_files() == expected


def test_the_sdist_has_the_whole_checkout(built: Path, tracked: set[str]) -> None:
    """Distributions run the tests and build the documents from it."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert inside - new_files() == tracked | {"PKG-INFO"}


def test_the_wheel_says_what_it_is(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith("METADATA")]
        metadata = archive.read(name).decode()
        (entry_points,) = [archive.read(one).decode() for one in archive.namelist() if one.endswith("entry_points.txt")]
    assert "Requires-Python: >=3.11" in metadata
    assert "License-Expression: Apache-2.0" in metadata
    assert {f"Provides-Extra: {name}" for name in ("export", "litert", "models", "cluster")} <= set(
        metadata.splitlines()
    )
    assert "mobile-export = exporter.cli.main:main" in entry_points


def new_files() -> set[str]:
    """Files that are neither tracked nor ignored: of a change that is not committed yet."""
    command = ["git", "ls-files", "--others", "--exclude-standard"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines())
