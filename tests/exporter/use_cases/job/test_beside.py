"""Formats are converted side by side in processes: the same files as one after the other, each target on its own."""

from pathlib import Path

import pytest

from exporter.data.progress import Silent
from exporter.data.results.record import RunRecord
from exporter.data.settings.model import ModelSettings
from exporter.execution.forked import can_fork
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.run import run
from tests.warm import warmly

SOURCE = """
import os
import pathlib
import torch
from torch import nn

def net():
    with pathlib.Path(__file__).with_name("calls.txt").open("a") as stream:
        print(os.getpid(), file=stream)
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 7, 5)).eval()
"""
TARGETS = """
[targets.apple]
format = "coreml"
minimum_os = "iOS 17"

[targets.android]
format = "tflite"
minimum_os = "Android 14"

[targets.smaller]
extends = "android"
quantization.mode = "float16"

[targets.impossible]
extends = "android"
quantization.rules = [{ op_name = "no such layer", keep = "float16" }]

[targets.runtime]
format = "onnx"
minimum_os = "Android 14"
"""


def carried_out(folder: Path, *names: str) -> RunRecord:
    folder.mkdir()
    (folder / "nets.py").write_text(SOURCE)
    (folder / "targets.toml").write_text(TARGETS)
    request = RunRequest(
        spec=f"{folder / 'nets.py'}:net",
        settings=ModelSettings.model_validate({"inputs": ({"name": "x", "shape": (1, 3, 8, 9)},)}),
        target_names=names,
        targets_file=folder / "targets.toml",
        output=folder / "out",
        cache_root=folder / "cache",
        measure=False,
    )
    return run(request, Silent())


def files(folder: Path) -> dict[str, bytes]:
    """Artifacts, without the identifiers that Apple's format draws anew."""
    kept = (".tflite", ".onnx", ".mlmodel", ".bin")
    found = (path for path in (folder / "out").rglob("*") if path.suffix in kept)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def processes(folder: Path) -> int:
    return len(set((folder / "calls.txt").read_text().split()))


NAMES = ("apple", "android", "smaller", "runtime")


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes, one after the other."""
    folder = tmp_path_factory.mktemp("beside") / "lone"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("exporter.use_cases.job.beside.cores", lambda: 1)
        carried_out(folder, *NAMES)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("fork", [True, False] if can_fork() else [False])
def test_the_files_are_those_of_one_process(lone: Path, monkeypatch: pytest.MonkeyPatch, fork: bool) -> None:
    """The folders' names are of one length, since descriptions hold the source's path."""
    many = lone.with_name("fork" if fork else "anew")
    monkeypatch.setattr("exporter.use_cases.job.beside.can_fork", lambda: fork)
    monkeypatch.setattr("exporter.use_cases.job.beside.cores", lambda: 3)
    carried_out(many, *NAMES)
    assert (processes(many), processes(lone)) == (1 if fork else 1 + 3, 1)
    made = {name: content.replace(f"/{many.name}/".encode(), b"/lone/") for name, content in files(many).items()}
    assert len(made) == 5
    assert made == files(lone)


@pytest.mark.slow
def test_a_target_that_fails_in_a_process_is_told_and_loses_no_other(tmp_path: Path) -> None:
    """Among several, in one process, the one after it is made; the words are those of a run in one process."""
    record = warmly(carried_out, tmp_path / "many", "impossible", "android", "apple")
    told = {target.name: target.error for target in record.targets}
    assert told["apple"] is told["android"] is None
    assert "no such layer" in str(told["impossible"])
    assert {name.split("/")[1] for name in files(tmp_path / "many")} == {"apple", "android"}
