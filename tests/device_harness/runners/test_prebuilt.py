"""Programs of the wheel `mobile-export-runners`: one of other sources, or a damaged one, never reaches a phone."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from device_harness.errors import ToolMissingError
from device_harness.runners.build import litert_bench_for
from device_harness.runners.platforms import Platform, sources_digest
from device_harness.runners.prebuilt import MANIFEST, PACKAGE, prebuilt_program

PHONE = Platform("android", "arm64")
PROGRAM = b"\x7fELF of nothing"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel's folder, with a program for phones."""
    folder = tmp_path / "site" / PACKAGE
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "bench").write_bytes(PROGRAM)
    monkeypatch.syspath_prepend(folder.parent)
    write(folder)
    return folder


def write(folder: Path, **changes: Any) -> None:
    program = {
        "system": "android",
        "architecture": "arm64",
        "file": "bench",
        "built_with": "a compiler",
        "sha256": hashlib.sha256(PROGRAM).hexdigest(),
    }
    manifest = {"schema_version": 1, "sources_sha256": sources_digest(), "programs": [program], **changes}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_the_program_of_the_device_is_taken(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no NDK, no CMake and no compiler: the wheel is there so that none is needed."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("ANDROID_NDK_HOME", raising=False)
    assert litert_bench_for(PHONE) == installed / "bench"


def test_another_platform_is_told(installed: Path) -> None:
    found = prebuilt_program(Platform("android", "x86_64"))
    assert found.program is None
    assert "none for android x86_64, only for android arm64" in found.reason


def test_a_program_of_other_sources_is_not_used(installed: Path) -> None:
    write(installed, sources_sha256="0" * 64)
    found = prebuilt_program(PHONE)
    assert found.program is None
    assert "another version" in found.reason


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_a_damaged_program_is_not_used(installed: Path, harm: str) -> None:
    bench = installed / "bench"
    bench.unlink() if harm == "removed" else bench.write_bytes(PROGRAM[:-1])
    found = prebuilt_program(PHONE)
    assert found.program is None
    assert "damaged" in found.reason


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 2, "sources_sha256": "", "programs": []}'])
def test_a_manifest_that_cannot_be_read_is_told(installed: Path, text: str) -> None:
    (installed / MANIFEST).write_text(text)
    found = prebuilt_program(PHONE)
    assert found.program is None
    assert "cannot be read" in found.reason


def test_where_there_is_neither_the_message_names_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANDROID_NDK_HOME", raising=False)
    monkeypatch.delenv("ANDROID_NDK_ROOT", raising=False)
    monkeypatch.setattr("device_harness.runners.prebuilt.PACKAGE", "no_such_package_of_runners")
    with pytest.raises(ToolMissingError, match=r"ANDROID_NDK_HOME.*mobile-export-runners.*not installed"):
        litert_bench_for(PHONE)
