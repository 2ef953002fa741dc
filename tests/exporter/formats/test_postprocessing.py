"""Decoding and suppression inside the files of every format, against torch and torchvision."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.suppression import Suppression
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.format import Format, Origin
from exporter.formats.registry import format_named, names
from exporter.formats.session import ConversionSession, Tail
from exporter.sources.modules import Found, from_module
from exporter.tasks.detection.infile import DETECTED, in_file
from exporter.tasks.detection.settings import Detection
from exporter.tasks.detection.suppressed import Detected, Suppressed

BOXES, CLASSES, MOST = 12, 3, 8
Sets = Iterator[tuple[NDArray[Any], NDArray[Any]]]


class _Given(torch.nn.Module):
    """A detector whose inputs are its boxes and scores; twice negated, as no file holds a model that does nothing."""

    def forward(self, boxes: torch.Tensor, scores: torch.Tensor) -> Any:
        return torch.neg(torch.neg(boxes)), torch.neg(torch.neg(scores))


def _sets() -> Sets:
    """Ties, equal boxes, boxes without area, IoU of exactly one half, nothing above the threshold, more than fit."""
    draw = np.random.default_rng(0)
    for place in range(60):
        starts, sides = draw.integers(0, 6, (BOXES, 2)), draw.integers(0, 5, (BOXES, 2))
        boxes = np.concatenate([starts, starts + sides], 1).astype(np.float32)
        scores = draw.integers(0, 9, (BOXES, CLASSES)).astype(np.float32) / 8
        if place % 3 == 0:
            boxes, scores = boxes + draw.uniform(0, 1, boxes.shape).astype(np.float32), scores / 4
        yield boxes[None], scores[None] * np.float32(place % 10 != 5)


@pytest.fixture(params=names())
def form(request: pytest.FixtureRequest) -> Format:
    return format_named(request.param)


def _target(form: Format, **settings: Any) -> Any:
    case = import_module(f"tests.exporter.formats.{form.name}.case").CASE
    known = {"name": "t", "format": form.name, "minimum_os": case.minimum_os, "postprocessing": "nms"}
    return form.target_type.model_validate(known | settings)


def _suppressing(form: Format, target: Any, asked: Suppression, folder: Path) -> ArtifactRunner:
    inputs = ({"name": "a", "shape": (1, BOXES, 4)}, {"name": "b", "shape": (1, BOXES, CLASSES)})
    model = ModelSettings.model_validate({"inputs": inputs, "outputs": ("boxes", "scores")})
    source = from_module(SourceKind.FACTORY, "given", model, Found(_Given().eval()))
    made = ConversionSession(source, None, 1).convert(form.in_float(target), folder)
    final = source.description.model_copy(update={"outputs": DETECTED})
    out = folder / f"out{made.path.suffix}"
    form.postprocess(target, made.path, out, Postprocessing(final, model, suppression=asked))
    form.check_whole(out)
    return form.evaluator(form.evaluators()[0], out, Origin(final))


@pytest.mark.parametrize(
    ("threshold", "agnostic", "most"), [(0.5, False, MOST), (0.0, True, 50), (None, False, MOST), (1.0, False, 50)]
)
def test_suppression_is_torchvisions(
    form: Format, threshold: float | None, agnostic: bool, most: int, tmp_path: Path
) -> None:
    """The same boxes, scores and classes in the same order, and zeros behind them."""
    asked = Suppression(iou_threshold=threshold, score_threshold=0.125, most_detections=most, class_agnostic=agnostic)
    run = _suppressing(form, _target(form), asked, tmp_path)
    for boxes, scores in _sets():
        wanted = Suppressed(asked)(torch.from_numpy(boxes), torch.from_numpy(scores))
        for found, own in zip(run([boxes, scores]), wanted, strict=True):
            np.testing.assert_array_equal(found, own.numpy())


@pytest.fixture(scope="module")
def source(load: Callable[..., Any]) -> Any:
    task = Detection(head="yolo", iou_threshold=0.45, score_threshold=0.3, most_detections=10)
    return load("detector", (1, 3, 32, 32), task=task)


def _whole(form: Format, target: Any, source: Any, folder: Path) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """What the file gives for one picture, and what torch does."""
    found = in_file(source, source.settings.task)
    assert not found.notes
    final = found.detected if target.postprocessing == "nms" else found.decoded
    suppression = found.suppression if target.postprocessing == "nms" else None
    asked = Postprocessing(final, source.settings, wires=found.wires, suppression=suppression)
    tail = Tail(ConversionSession(found.decoder, None, 1), asked)
    made = ConversionSession(found.head, None, 1).convert_before(tail, target, folder)
    assert any(op.behind for op in made.inspection.ops)
    assert not all(op.behind for op in made.inspection.ops)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 32, 32)) / 255
    picture = ((pixels - 0.5) / 0.25).astype(np.float32)
    run = form.evaluator(form.evaluators()[0], made.path, Origin(final, lambda: final.output_shapes))
    module = Detected(found.head.module, found.decoder.module, found.suppression)
    given = torch.from_numpy(picture)
    with torch.no_grad():
        wanted = module(given) if suppression else found.decoder.module(*found.head.module(given))
    return run([picture]), [value.numpy() for value in wanted]


def test_a_detector_with_suppression(form: Format, source: Any, tmp_path: Path) -> None:
    """From pixels to detections; the head is converted by itself, and decoded in float32 behind it."""
    found, wanted = _whole(form, _in_float32(form), source, tmp_path)
    np.testing.assert_allclose(found[0], wanted[0], atol=1e-3)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-5)
    np.testing.assert_array_equal(found[2], wanted[2])
    assert 0 < int(found[3][0]) == int(wanted[3][0])


def test_a_detector_with_decoding(form: Format, source: Any, tmp_path: Path) -> None:
    """Boxes and scores apart, of the shapes that every head comes to."""
    target = _in_float32(form).model_copy(update={"postprocessing": "decoding"})
    found, wanted = _whole(form, target, source, tmp_path)
    assert [value.shape for value in found] == [(1, 80, 4), (1, 80, 3)]
    np.testing.assert_allclose(found[0], wanted[0], atol=1e-3)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-5)


def _in_float32(form: Format) -> Any:
    """A target without loss, so that no two scores change places."""
    target = _target(form)
    return form.in_float(target)
