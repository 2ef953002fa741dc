"""Data of any kind from the command line: it calibrates and evaluates, and what does not fit the model is refused."""

from pathlib import Path

import pytest

from exporter.data.errors import UsageProblem
from exporter.data.progress import Silent
from exporter.data.settings.model import ModelSettings
from exporter.store.cache import Cache
from exporter.store.runs import load_record
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.request import RunRequest
from tests.conftest import RunCommand
from tests.exporter.datasets.kinds.made import coco, masks, write_tokenizer

TARGETS = """
[model]
mean = 0.5
std = 0.25
inputs = [{ name = "image", shape = [1, 3, 12, 16] }]
task = { kind = "segmentation", output = "out" }

[targets.android]
format = "tflite"
minimum_os = "Android 12"
quantization.mode = "int8"
tolerances.miou_drop_points = 90
"""

READER = """
import torch
from torch import nn


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(8, 4)

    def forward(self, input_ids):
        return self.embedding(input_ids).mean(1)


def reader():
    torch.manual_seed(0)
    return Reader().eval()
"""


def test_one_kind_calibrates_and_another_evaluates(mobile_export: RunCommand, small_spec: str, tmp_path: Path) -> None:
    """Truths of the calibration data are of no task here, and stand in nobody's way."""
    (tmp_path / "targets.toml").write_text(TARGETS)
    for name in ("coco", "masks"):
        (tmp_path / name).mkdir()
    given = ["--calibration", coco(tmp_path / "coco"), "--evaluation", masks(tmp_path / "masks"), "--no-measure"]
    model = small_spec.replace(":small", ":segmenter")
    done = mobile_export("run", model, "--target", "android", *given, "--output", "build")
    assert done.returncode == 0, done.stderr
    record = load_record(tmp_path / "build" / "run.json")
    (verdict,) = [verdict for verdict in record.verdicts() if verdict.metric == "task.miou_drop"]
    assert "on 3 examples" in verdict.reason
    assert "on labels" in verdict.reason


def test_a_mistake_in_it_ends_the_run_with_its_place(
    mobile_export: RunCommand, small_spec: str, tmp_path: Path
) -> None:
    (tmp_path / "targets.toml").write_text(TARGETS)
    given = coco(tmp_path, annotations=[{"image_id": 7, "category_id": 9, "bbox": [90, 1, 4, 4]}])
    done = mobile_export("run", small_spec, "--target", "android", "--calibration", given, "--output", "build")
    assert done.returncode == 2
    assert "instances.json, annotations[0]: bbox [90, 1, 4, 4] lies outside of image 7" in " ".join(done.stderr.split())


@pytest.mark.parametrize(("words", "fits"), [(("good", "bad", "film", "a"), True), (("b", "c", "d", "e", "f"), False)])
def test_a_tokenizer_of_a_larger_vocabulary_is_refused(words: tuple[str, ...], fits: bool, tmp_path: Path) -> None:
    """An id beyond the embedding reads memory beyond its end in some runtimes."""
    (tmp_path / "reader.py").write_text(READER)
    (tmp_path / "data.csv").write_text("text\ngood film\nbad film\n")
    settings = ModelSettings.model_validate(
        {
            "tokenizer": write_tokenizer(tmp_path, words),
            "inputs": ({"name": "input_ids", "shape": (1, 6), "dtype": "int64"},),
        }
    )
    request = RunRequest(
        spec=f"{tmp_path / 'reader.py'}:reader",
        target_names=("any",),
        settings=settings,
        output=tmp_path / "build",
        evaluation=str(tmp_path / "data.csv"),
    )
    model = ModelAtHand(request, Cache(tmp_path / "cache"), Silent())
    if fits:
        assert model.evaluation.size == 2
        return
    with pytest.raises(UsageProblem, match=r"gives ids up to 8, and input input_ids takes them up to 7"):
        _ = model.evaluation
