"""Targets with normalization in the file from the command line: made, compared on the same pixels, shown, refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.exporter.conftest import MODELS
from tests.exporter.use_cases.conftest import Done, Workspace

TARGETS = """
[model]
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.35, 0.5]
color_order = "BGR"
inputs = [{{ name = "image", shape = [1, 3, 32, 32] }}]
labels = "names.txt"

[model.task]
kind = "detection"
head = "yolo"
iou_threshold = 0.45
score_threshold = 0.3
most_detections = 10

[targets.whole]
format = "onnx"
minimum_os = "Android 12"
preprocessing = "{preprocessing}"
postprocessing = "decoding"
tolerances.snr_db = 60

[targets.integers]
format = "tflite"
minimum_os = "Android 12"
preprocessing = "{preprocessing}"
quantization = {{ mode = "int8" }}
tolerances.snr_db = 10
"""


def _write(folder: Path, preprocessing: str) -> None:
    (folder / "targets.toml").write_text(TARGETS.format(preprocessing=preprocessing))
    (folder / "names.txt").write_text("cat\ndog\nbird\n")


@pytest.fixture(scope="module")
def own(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("pixels")
    _write(folder, "normalization")
    return workspace._replace(folder=folder, model=f"{MODELS}:detector")


@pytest.fixture(scope="module")
def ran(own: Workspace) -> Done:
    targets = ("--target", "whole", "--target", "integers")
    return own.run(*targets, "--calibration", own.images / "class0", "--no-measure")


def test_files_are_compared_on_the_pictures_of_the_data(ran: Done) -> None:
    for target in ran.record["targets"]:
        assert not target["error"], target
        parity = [one["status"] for one in target["verdicts"] if one["metric"] == "parity.snr"]
        assert parity == ["passed"], target["name"]


def test_both_ends_stand_in_one_file(ran: Done) -> None:
    """Pixels in, boxes out; nothing of it is told as a loss of quantization."""
    whole, integers = ran.record["targets"]
    assert [(one["name"], one["dtype"], one["shape"]) for one in whole["inspection"]["inputs"]] == [
        ("image", "uint8", [1, 3, 32, 32])
    ]
    assert [one["name"] for one in whole["inspection"]["outputs"]] == ["boxes", "scores"]
    assert whole["inspection"]["inputs"][0]["picture"]["mean"] == []
    assert integers["inspection"]["inputs"][0]["picture"] == whole["inspection"]["inputs"][0]["picture"]
    assert integers["inspection"]["inputs"][0]["shape"] == [1, 32, 32, 3]
    assert not [note for note in integers["warnings"] if "preprocessing" in note]


def test_inspect_says_what_the_input_takes_and_how_pictures_are_fitted(ran: Done, own: Workspace) -> None:
    for target, file in (("whole", "model.onnx"), ("integers", "model.tflite")):
        done = own.call("inspect", str(ran.output / target / file))
        assert done.returncode == 0, done.stderr
        words = " ".join(done.stdout.split())
        assert "RGB pixels from 0 to 255; other sizes are stretched" in words
        assert "normalized by the app" not in words


def test_a_file_alone_is_verified_on_the_same_pixels(ran: Done, own: Workspace, tmp_path: Path) -> None:
    """Values that are no pixels are rounded for the source as well, and the file itself says that it takes RGB."""
    values = np.random.default_rng(0).normal(size=(4, 3, 32, 32)).astype(np.float32)
    np.savez(tmp_path / "values.npz", image=values)
    file = ran.output / "integers" / "model.tflite"
    data = ("--evaluation", str(tmp_path / "values.npz"))
    done = own.call("verify", str(file), own.model, "--target", "integers", *data, "-f", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    (parity,) = json.loads(done.stdout)["parities"]
    assert parity["snr_db"] > 10


def test_another_setting_makes_another_file(ran: Done, own: Workspace) -> None:
    """And the first again comes from the cache."""
    before = {one["name"]: one["artifact"]["sha256"] for one in ran.record["targets"]}
    try:
        _write(own.folder, "none")
        other = own.run("--target", "whole", "--no-measure", output="none")
    finally:
        _write(own.folder, "normalization")
    assert other.record["targets"][0]["artifact"]["sha256"] != before["whole"]
    again = own.run("--target", "whole", "--no-measure", output="again")
    assert again.record["targets"][0]["artifact"]["sha256"] == before["whole"]
    stages: list[dict[str, Any]] = again.record["stages"]
    assert [one["from_cache"] for one in stages if one["name"] == "conversion"] == [True]


def test_a_model_of_no_image_is_refused_in_one_sentence(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text(
        '[targets.x]\nformat = "onnx"\nminimum_os = "Android 12"\npreprocessing = "normalization"\n'
    )
    (tmp_path / "plain.py").write_text("import torch\n\n\ndef vector():\n    return torch.nn.Linear(16, 4)\n")
    own = workspace._replace(folder=tmp_path, model="plain.py:vector")
    done = own.call("run", own.model, "--target", "x", "--input-shape", "values=1,16")
    assert done.returncode == 2, done.stdout + done.stderr
    assert 'preprocessing = "normalization" is for models with one input' in " ".join(done.stderr.split())
