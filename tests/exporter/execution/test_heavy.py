"""Heavy libraries are imported whole, or the user is told what to install."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.data.errors import MissingExtraError
from exporter.execution.heavy import load, need


def test_torchvision_beside_another_build_of_torch() -> None:
    """Its compiled operators do not load then, and the import of an unchanged torchvision fails."""
    script = """
import torch
from exporter.execution.heavy import load_torchvision

def refuse(path):
    raise OSError("libcudart.so is not here")

torch.ops.load_library = refuse
torchvision = load_torchvision()
assert torchvision.models.resnet18(weights=None).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_torchvision_is_imported_without_dynamo() -> None:
    """Protects half of a start's time; what torchvision wants of TorchDynamo still answers as TorchDynamo does."""
    script = """
import sys
from exporter.execution.heavy import load_torchvision

load_torchvision()
assert not [name for name in sys.modules if name.startswith("torch._dynamo")]
found = sys.modules["torchvision.ops.roi_align"].is_compile_supported("cpu")
from torch._dynamo.utils import is_compile_supported
assert found == is_compile_supported("cpu")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("importing", [load, need])
def test_what_is_not_installed_is_said_with_the_command(importing: Callable[..., object]) -> None:
    with pytest.raises(MissingExtraError, match=r"no_such_library is not installed\..*mobile-export\[litert\]"):
        importing("no_such_library", extra="litert")


def test_a_fault_inside_a_library_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that lacks one of its own dependencies is broken, and installing it again would not help."""
    (tmp_path / "broken_library.py").write_text("import something_else_that_is_missing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="something_else_that_is_missing"):
        load("broken_library")


def test_what_a_library_brings_is_set_aside_in_a_process_of_our_own_alone(tmp_path: Path) -> None:
    """Protects a fifth of a command's time, and notebooks, where what is set aside would never be freed."""
    for number in range(150):
        (tmp_path / f"part{number}.py").write_text("things = [[] for _ in range(100)]\n")
    for name in ("one", "other"):
        (tmp_path / f"{name}.py").write_text("".join(f"import part{number}\n" for number in range(150)))
    script = """
import gc, sys
from exporter.execution.garbage import process_is_ours
from exporter.execution.heavy import load

before = gc.get_freeze_count()
load("one")
assert gc.isenabled() and gc.get_freeze_count() == before
for name in [name for name in sys.modules if name.startswith("part")]:
    del sys.modules[name]
process_is_ours()
load("other")
assert gc.isenabled() and gc.get_freeze_count() > before + 15_000
"""
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
