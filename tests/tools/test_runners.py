"""The wheel of runners: what `tools/runners.py` makes is what the program takes from it, and runs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from device_harness.errors import ToolMissingError
from device_harness.runners.platforms import host_platform
from device_harness.runners.prebuilt import PACKAGE, prebuilt_program
from tools import runners


def test_a_wheel_is_made_and_its_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = shutil.which("cc")
    if compiler is None or shutil.which("cmake") is None:
        pytest.skip("cmake or a C compiler is not installed")
    monkeypatch.setattr(runners, "_compiler", lambda target: ([compiler], "this machine's compiler"))
    made = runners.wheel(tmp_path, (host_platform(),))
    site = tmp_path / "site"
    command = [str(runners.ROOT / "tools" / "uv"), "pip", "install", "--quiet", "--offline", "--target", str(site)]
    subprocess.run([*command, "--python", sys.executable, str(made)], check=True)
    monkeypatch.syspath_prepend(site)
    program = prebuilt_program(host_platform()).program
    assert program is not None
    assert program.parent == site / PACKAGE
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("litert_bench: ")


def test_a_platform_that_cannot_be_built_is_an_error_or_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wheel for phones without the program for phones would be found out by its users."""
    monkeypatch.delenv("ANDROID_NDK_HOME", raising=False)
    monkeypatch.delenv("ANDROID_NDK_ROOT", raising=False)
    phones = tuple(one for one in runners.PLATFORMS if one.system == "android")
    with pytest.raises(ToolMissingError, match="ANDROID_NDK_HOME"):
        runners.wheel(tmp_path, phones)
    with pytest.raises(ToolMissingError, match="no program"):
        runners.wheel(tmp_path, phones, allow_missing=True)
    assert "left out android arm64" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
