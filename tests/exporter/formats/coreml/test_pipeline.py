"""A pipeline with Core ML's own suppression: what Vision takes, and what the reference evaluator makes of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.suppression import Suppression
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.coreml.format import FORMAT
from exporter.formats.coreml.inspection.reader import inspect_coreml
from exporter.formats.coreml.reference.pipeline import ReferencePipeline, read_pipeline
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.format import Origin
from exporter.formats.session import ConversionSession
from exporter.sources.modules import Found, from_module
from exporter.tasks.detection.infile import DETECTED
from exporter.tasks.detection.suppressed import Suppressed

BOXES, CLASSES = 10, 3
ASKED = Suppression(iou_threshold=0.5, score_threshold=0.25, most_detections=6, class_names=("cat", "dog", "bird"))


class _Given(torch.nn.Module):
    """A detector whose inputs are its boxes and scores, beside a picture that it hardly looks at."""

    def forward(self, image: torch.Tensor, boxes: torch.Tensor, scores: torch.Tensor) -> Any:
        return torch.neg(torch.neg(boxes)) + 0 * image.sum(), torch.neg(torch.neg(scores))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A package, and the description of its detections."""
    folder = tmp_path_factory.mktemp("pipeline")
    target = CoremlTarget.model_validate(
        {"name": "t", "format": "coreml", "minimum_os": "iOS 17", "postprocessing": "nms", "suppression": "pipeline"}
    )
    shapes = {"image": (1, 3, 16, 32), "a": (1, BOXES, 4), "b": (1, BOXES, CLASSES)}
    inputs = tuple({"name": name, "shape": shape} for name, shape in shapes.items())
    model = ModelSettings.model_validate({"inputs": inputs, "outputs": ("boxes", "scores"), "mean": 0, "std": 1})
    source = from_module(SourceKind.FACTORY, "given", model, Found(_Given().eval()))
    made = ConversionSession(source, None, 1).convert(FORMAT.in_float(target), folder)
    final = source.description.model_copy(update={"outputs": DETECTED})
    out = folder / "Pipeline.mlpackage"
    FORMAT.postprocess(target, made.path, out, Postprocessing(final, model, suppression=ASKED))
    return out, final


def _set(seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    draw = np.random.default_rng(seed)
    starts, sides = draw.uniform(0, 12, (BOXES, 2)), draw.uniform(2, 6, (BOXES, 2))
    boxes = np.concatenate([starts, starts + sides], 1).astype(np.float32)
    return boxes[None], np.round(draw.uniform(0, 1, (1, BOXES, CLASSES)), 1).astype(np.float32)


def test_detections_are_torchvisions(package: tuple[Path, Any]) -> None:
    """Also where scores are equal and where a box has several classes."""
    path, final = package
    FORMAT.check_whole(path)
    run = FORMAT.evaluator("reference", path, Origin(final))
    for seed in range(20):
        boxes, scores = _set(seed)
        wanted = Suppressed(ASKED)(torch.from_numpy(boxes), torch.from_numpy(scores))
        found = run([np.zeros((1, 3, 16, 32), np.float32), boxes, scores])
        np.testing.assert_allclose(found[0], wanted[0].numpy(), atol=1e-4)
        for one, own in zip(found[1:], wanted[1:], strict=True):
            np.testing.assert_array_equal(one, own.numpy())


def test_what_the_specification_says(package: tuple[Path, Any]) -> None:
    """Optional thresholds with the task's values, names of the classes, and columns up to a multiple of 80."""
    found = read_pipeline(package[0])
    assert found is not None
    own = found.suppression
    assert (own.iouThreshold, own.confidenceThreshold, found.most) == (0.5, 0.25, 6)
    assert own.pickTop.perClass
    names = list(own.stringClassLabels.vector)
    assert names[:4] == ["cat", "dog", "bird", "none_3"]
    assert len(names) == 80


def test_thresholds_are_inputs(package: tuple[Path, Any]) -> None:
    found = read_pipeline(package[0])
    assert found is not None
    model = ReferencePipeline(found)
    boxes, scores = _set(0)
    given = {"image": np.zeros((1, 3, 16, 32), np.float32), "a": boxes, "b": scores}
    usual, strict = model.predict(given), model.predict({**given, "confidenceThreshold": 0.85})
    assert len(usual["confidence"]) == 6
    assert 0 < len(strict["confidence"]) < 6
    assert strict["confidence"].max(1).min() >= np.float32(0.85)


def test_it_is_inspected(package: tuple[Path, Any]) -> None:
    """As the program that it begins with, and the models behind it."""
    found = inspect_coreml(package[0])
    assert found.ops[-1].type == "nonMaximumSuppression"
    assert [output.name for output in found.outputs] == ["confidence", "coordinates"]
    assert not FORMAT.file_facts(package[0]).nan_constants
