"""Targets with postprocessing from the command line: made, compared where numbers can be, refused without a task."""

import subprocess
from pathlib import Path

import pytest

from tests.exporter.conftest import MODELS
from tests.exporter.use_cases.conftest import Done, Workspace

TARGETS = """
[model]
mean = 0.5
std = 0.25
inputs = [{ name = "image", shape = [1, 3, 32, 32] }]
labels = "names.txt"

[model.task]
kind = "detection"
head = "yolo"
iou_threshold = 0.45
score_threshold = 0.3
most_detections = 10

[targets.decoded]
format = "onnx"
minimum_os = "Android 12"
postprocessing = "decoding"
tolerances.snr_db = 60

[targets.detected]
format = "tflite"
minimum_os = "Android 12"
postprocessing = "nms"
quantization = { mode = "int8", output_type = "uint8" }
tolerances.snr_db = 60
"""


@pytest.fixture(scope="module")
def ran(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("detector")
    (folder / "targets.toml").write_text(TARGETS)
    (folder / "names.txt").write_text("cat\ndog\nbird\n")
    own = workspace._replace(folder=folder, model=f"{MODELS}:detector")
    targets = ("--target", "decoded", "--target", "detected")
    return own.run(*targets, "--calibration", workspace.images / "class0", "--no-measure")


def test_boxes_and_scores_are_compared_with_the_decoded_head(ran: Done) -> None:
    verdicts = ran.record["targets"][0]["verdicts"]
    assert {verdict["status"] for verdict in verdicts if verdict["metric"].startswith("parity")} == {"passed"}
    assert [one["name"] for one in ran.record["targets"][0]["parities"][0]["outputs"]] == ["boxes", "scores"]


def test_detections_are_not_compared_as_numbers(ran: Done) -> None:
    """Not checked is not passed, and it does not fail."""
    (verdict,) = (one for one in ran.record["targets"][1]["verdicts"] if one["metric"] == "parity.snr")
    assert verdict["status"] == "not checked"
    assert "detection task" in verdict["reason"]


def test_what_stands_behind_the_model_is_no_loss_of_its_quantization(ran: Done) -> None:
    """Decoding and suppression stay float on purpose; only the model's own operators are warned of."""
    assert not [note for note in ran.record["targets"][1]["warnings"] if "decoding" in note or "suppression" in note]
    assert {one["name"]: one["shape"] for one in ran.record["targets"][1]["inspection"]["outputs"]} == {
        "boxes": [1, 10, 4],
        "scores": [1, 10],
        "classes": [1, 10],
        "count": [1],
    }


def test_a_model_without_a_task_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text(
        '[targets.x]\nformat = "onnx"\nminimum_os = "Android 12"\npostprocessing = "nms"\n'
    )
    done: subprocess.CompletedProcess[str] = workspace._replace(folder=tmp_path).call(
        "run", workspace.model, "--target", "x", "--input-shape", "1,3,16,16"
    )
    assert done.returncode == 2
    assert "[model.task]" in done.stderr + done.stdout
