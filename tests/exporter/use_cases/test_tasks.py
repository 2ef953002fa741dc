"""A detector from the command line: judged on labels and without, in every format, boxes suppressed or not."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from exporter.data.results.record import RunRecord
from exporter.data.verdict import Status
from exporter.store.runs import load_record
from tests.conftest import RunCommand

SIZE, SIDE, STEP = 192, 16, 8
NAMES = ("red", "green", "blue")

MODEL = f"""
import torch
from torch import nn


class Squares(nn.Module):
    '''Finds squares of {SIDE} pixels in three colours, in cells of {STEP}, as a YOLO does; weights by hand.'''

    def __init__(self):
        super().__init__()
        self.colours = nn.Conv2d(3, 3, {SIDE}, stride={STEP}, bias=False)
        weight = torch.full((3, 3, {SIDE}, {SIDE}), -0.5)
        for colour in range(3):
            weight[colour, colour] = 1.0
        self.colours.weight.data = weight / {SIDE * SIDE}
        self.sides = nn.Conv2d(3, 2, 1)
        self.sides.weight.data.zero_()
        self.sides.bias.data.fill_({SIDE}.0)
        line = torch.arange({(SIZE - SIDE) // STEP + 1}) * {STEP}.0 + {SIDE // 2}
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        self.register_buffer("centres", torch.stack([columns.flatten(), rows.flatten()])[None], persistent=False)

    def forward(self, image):
        grid = self.colours(image)
        scores = 0.35 * (12 * (grid - 0.7)).sigmoid().flatten(2)
        sides = self.sides(grid).flatten(2)
        return torch.cat([self.centres + 0 * sides, sides, scores], 1)


def squares():
    return Squares().eval()
"""

TARGETS = """
[model]
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
outputs = ["detections"]
inputs = [{ name = "image", shape = [1, 3, 192, 192] }]
task = { kind = "detection", head = "yolo", iou_threshold = 0.3, score_threshold = 0.05 }

[targets.float]
format = "tflite"
minimum_os = "Android 12"
tolerances = { map_drop_points = 0.1, snr_db = 60 }

[targets.int8]
format = "tflite"
minimum_os = "Android 12"
quantization.mode = "int8"
tolerances.map_drop_points = 1.0

[targets.naive]
extends = "int8"
quantization.mixed_outputs = "int8"

[targets.suppressed]
extends = "float"
postprocessing = "nms"

[targets.library]
extends = "suppressed"
suppression = "detection_postprocess"

[targets.apple]
format = "coreml"
minimum_os = "iOS 17"
postprocessing = "nms"
tolerances.map_drop_points = 0.1

[targets.onnx]
format = "onnx"
minimum_os = "Android 12"
tolerances.map_drop_points = 0.1
"""


def write_scenes(folder: Path, count: int) -> Path:
    """Squares of full colour on grounds of dim noise, and a COCO file of them."""
    images, annotations = [], []
    for number in range(count):
        random = np.random.default_rng(number)
        pixels = random.integers(0, 60, (SIZE, SIZE, 3), np.uint8)
        for place in random.choice(49, 3, replace=False):
            left, top, colour = int(place % 7) * 24, int(place // 7) * 24, int(random.integers(3))
            pixels[top : top + SIDE, left : left + SIDE] = 0
            pixels[top : top + SIDE, left : left + SIDE, colour] = 255 - int(random.integers(0, 25))
            annotations.append({"image_id": number, "category_id": colour, "bbox": [left, top, SIDE, SIDE]})
        Image.fromarray(pixels).save(folder / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": SIZE, "height": SIZE})
    document = {
        "images": images,
        "annotations": [{"id": place + 1, "iscrowd": 0, **one} for place, one in enumerate(annotations)],
        "categories": [{"id": place, "name": name} for place, name in enumerate(NAMES)],
    }
    (folder / "scenes.json").write_text(json.dumps(document))
    return folder / "scenes.json"


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(MODEL)
    (tmp_path / "targets.toml").write_text(TARGETS)
    return write_scenes(tmp_path, 12)


def run(mobile_export: RunCommand, folder: Path, *more: str, code: int) -> RunRecord:
    done = mobile_export("run", "net.py:squares", *more, "--no-measure", "--output", "out")
    assert done.returncode == code, done.stderr
    return load_record(folder / "out" / "run.json")


def statuses(record: RunRecord) -> dict[str, Status]:
    return {verdict.subject: verdict.status for verdict in record.verdicts() if verdict.metric == "task.map_drop"}


def test_a_detector_is_judged_on_labels_and_a_naive_int8_file_of_it_is_caught(
    mobile_export: RunCommand, scenes: Path, tmp_path: Path
) -> None:
    """Protects phones from a detector whose scores share a scale with pixels: its signal-to-noise ratio looks fine."""
    targets = [part for name in ("float", "int8", "naive", "onnx") for part in ("--target", name)]
    record = run(mobile_export, tmp_path, *targets, "--calibration", str(scenes), "--evaluation", str(scenes), code=1)
    assert statuses(record) == {
        "float": Status.PASSED,
        "int8": Status.PASSED,
        "naive": Status.FAILED,
        "onnx": Status.PASSED,
    }
    (naive,) = next(target.parities for target in record.targets if target.name == "naive")
    assert naive.snr_db is not None
    assert naive.snr_db > 30
    assert naive.task is not None
    assert naive.task.against == "labels"
    figures = naive.task.metrics[0]
    assert figures.source == pytest.approx(100, abs=1)
    assert {one.name for one in figures.classes} == set(NAMES)
    assert naive.task.shown
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The worst examples" in page
    assert page.count("data:image/jpeg;base64,") >= 3 * len(naive.task.shown), "labels, source and artifact"
    assert {path.name for path in (tmp_path / "out" / "pictures").iterdir()} == set(record.pictures())
    shown_again(mobile_export, tmp_path, page)


def shown_again(mobile_export: RunCommand, folder: Path, page: str) -> None:
    """A kept run shows its pictures where they lie beside it, and says that they do not where they were lost."""
    given = ("report", "out/run.json", "-f", "html")
    assert mobile_export(*given).stdout == page
    shutil.rmtree(folder / "out" / "pictures")
    without = mobile_export(*given).stdout
    assert "pictures are not in the folder pictures beside run.json" in without
    assert "data:image/jpeg" not in without


def test_detections_of_a_file_with_suppression_are_judged_and_its_numbers_are_not(
    mobile_export: RunCommand, scenes: Path, tmp_path: Path
) -> None:
    targets = [part for name in ("suppressed", "library", "apple") for part in ("--target", name)]
    record = run(mobile_export, tmp_path, *targets, "--evaluation", str(scenes), code=0)
    assert statuses(record) == dict.fromkeys(("suppressed", "library", "apple"), Status.PASSED)
    figures = {one.name: one.parities[0].task.metrics[0] for one in record.targets if one.parities[0].task}
    assert figures["library"].artifact == pytest.approx(figures["suppressed"].artifact, abs=0.01)
    for snr in [verdict for verdict in record.verdicts() if verdict.metric == "parity.snr"]:
        assert snr.status is Status.NOT_CHECKED
        assert "detections" in snr.reason
    assert "nan" not in (tmp_path / "out" / "report.html").read_text().lower().split("<style>")[0]


def test_without_labels_the_source_itself_is_what_is_to_be_found(
    mobile_export: RunCommand, scenes: Path, tmp_path: Path
) -> None:
    scenes.unlink()
    record = run(mobile_export, tmp_path, "--target", "float", "--evaluation", ".", code=0)
    assert statuses(record) == {"float": Status.PASSED}
    (found,) = record.targets[0].parities
    assert found.task is not None
    assert found.task.against == "source"


_SETTINGS = 'kind = "detection", head = "yolo", iou_threshold = 0.3, score_threshold = 0.05'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param((_SETTINGS, 'kind = "segmentation"'), "a class a pixel", id="another task"),
        pytest.param(('"detection"', '"segmentation"'), "task.head: unknown setting", id="settings of another task"),
        pytest.param(("task = {", "#"), "say by [model] task", id="no task"),
        pytest.param(('head = "yolo"', 'head = "detr"'), "reads boxes", id="another head"),
    ],
)
def test_labels_and_heads_that_do_not_fit_end_the_run_in_one_sentence(
    change: tuple[str, str], words: str, mobile_export: RunCommand, scenes: Path, tmp_path: Path
) -> None:
    (tmp_path / "targets.toml").write_text(TARGETS.replace(*change))
    given = ("--target", "float", "--evaluation", str(scenes), "--output", "out")
    done = mobile_export("run", "net.py:squares", *given)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert not (tmp_path / "out" / "run.json").exists()
