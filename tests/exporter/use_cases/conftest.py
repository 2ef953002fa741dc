"""One run of a small network for four targets, made once from the command line and looked at by many tests."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.warm import PROGRAM, run_installed, run_warm

TARGETS = """
[model]
mean = 0.5
std = 0.25
inputs = [{ name = "image", shape = [1, 3, 16, 16] }]

[targets.android]
format = "tflite"
minimum_os = "Android 12"
quantization.mode = "int8"
tolerances = { snr_db = 10, top1_agreement = 0.5 }
budgets.size = "100 kB"

[targets.android-wide]
extends = "android"
quantization.mode = "int16x8"

[targets.ios]
format = "coreml"
minimum_os = "iOS 18"
quantization.weights = { method = "linear", weight_threshold = 0 }
tolerances = { snr_db = 20, top1_drop_points = 10 }
budgets.size = "100 kB"

[recipes.sparse]
[[recipes.sparse.steps]]
method = "magnitude_pruning"
sparsity = 0.5

[targets.pruned]
extends = "ios"
recipe = "sparse"
tolerances = { snr_db = 0 }

[targets.tiny]
extends = "ios"
budgets.size = "1 kB"
"""


class Done(NamedTuple):
    """A finished command with its output folder."""

    returncode: int
    stdout: str
    stderr: str
    output: Path

    @property
    def record(self) -> dict[str, Any]:
        """The parsed run.json."""
        document: dict[str, Any] = json.loads((self.output / "run.json").read_text())
        return document


class Workspace(NamedTuple):
    """A folder with a targets file, a cache of its own, and data."""

    folder: Path
    images: Path
    model: str

    def environment(self) -> dict[str, str]:
        """With the cache of this workspace."""
        return {**os.environ, "MOBILE_EXPORT_CACHE": str(self.folder / "cache")}

    def command(self, *arguments: object) -> list[str]:
        """The installed command line with `arguments`."""
        return [PROGRAM, *map(str, arguments)]

    def call(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """What a command gives, here and with more of an environment."""
        return run_warm(arguments, self.folder, {**self.environment(), **environment})

    def call_installed(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """As `call`, by the installed program."""
        return run_installed(arguments, self.folder, self.environment())

    def run(self, *arguments: object, output: str = "build") -> Done:
        """`mobile-export run MODEL ...` on the small network."""
        done = self.call("run", self.model, *arguments, "--output", output)
        return Done(done.returncode, done.stdout, done.stderr, self.folder / output)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs the whole stack is slow."""
    for item in items:
        if "workspace" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, images: Path, small_spec: str) -> Workspace:
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "targets.toml").write_text(TARGETS)
    return Workspace(folder, images, small_spec)


@pytest.fixture(scope="session")
def data(images: Path) -> list[object]:
    """Options for calibration and evaluation."""
    return ["--calibration", images, "--evaluation", images / "labels.csv"]


@pytest.fixture(scope="session")
def finished(workspace: Workspace, data: list[object]) -> Done:
    """The run of three targets whose gates hold, by the installed program."""
    targets = ("--target", "android", "--target", "android-wide", "--target", "ios")
    done = workspace.call_installed("run", workspace.model, *targets, *data, "--output", "build")
    return Done(done.returncode, done.stdout, done.stderr, workspace.folder / "build")


RunArguments = Callable[..., Done]
