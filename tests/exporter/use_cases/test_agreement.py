"""Models without labels or data from the command line: their tasks are judged by agreement with the source."""

from pathlib import Path

import pytest

from exporter.data.verdict import Status
from exporter.store.runs import load_record
from tests.conftest import RunCommand

MODELS = """
import torch
from torch import nn


class Face(nn.Module):
    '''Gives a box first, and then whether it is a face.'''

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.box, self.face = nn.Linear(8, 4), nn.Linear(8, 2)

    def forward(self, image):
        found = self.body(image)
        return self.box(found), self.face(found).softmax(1)


def face():
    torch.manual_seed(0)
    return Face().eval()


def organs():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 4, 3, 1, 1), nn.ReLU(), nn.Conv3d(4, 3, 1)).eval()
"""

TARGETS = """
[model]
{model}

[targets.float]
format = "tflite"
minimum_os = "Android 12"
tolerances = {tolerances}

[targets.onnx]
extends = "float"
format = "onnx"
"""

FACE = """
outputs = ["box", "face"]
inputs = [{ name = "image", shape = [1, 3, 24, 24] }]
task = { kind = "classification", output = "face", scores = "probabilities" }
"""
ORGANS = """
inputs = [{ name = "volume", shape = [1, 1, 4, 6, 5] }]
task = "segmentation"
"""


@pytest.mark.parametrize(
    ("factory", "model", "tolerances", "metric"),
    [
        pytest.param("face", FACE, "{ top1_drop_points = 1, top1_agreement = 0.99 }", "task.top1_drop", id="a class"),
        pytest.param("organs", ORGANS, "{ miou_drop_points = 1 }", "task.miou_drop", id="a class a point"),
    ],
)
def test_a_task_is_judged_without_labels(
    factory: str, model: str, tolerances: str, metric: str, mobile_export: RunCommand, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(MODELS)
    (tmp_path / "targets.toml").write_text(TARGETS.replace("{model}", model).replace("{tolerances}", tolerances))
    targets = ("--target", "float", "--target", "onnx")
    done = mobile_export("run", f"net.py:{factory}", *targets, "--no-measure", "--output", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    for target in load_record(tmp_path / "out" / "run.json").targets:
        (verdict,) = (one for one in target.verdicts if one.metric == metric)
        assert (verdict.status, verdict.value) == (Status.PASSED, 0)
        assert "without labels" in verdict.reason
        assert not [one for one in target.verdicts if one.status is Status.NOT_CHECKED]
        (parity,) = target.parities
        assert parity.classes == (2 if factory == "face" else None), "the box is no score of four classes"
