"""Decoding by torch, which goes into files, against decoding by numpy, which judges them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from exporter.data.errors import UsageProblem
from exporter.tasks.detection.decoding import decoder
from exporter.tasks.detection.heads import candidates
from exporter.tasks.detection.settings import Detection

SIZE = (64, 48)
ANCHORS, CLASSES = 20, 5
Shapes = list[tuple[int, ...]]


def _compared(settings: Detection, shapes: Shapes) -> None:
    draw = np.random.default_rng(0)
    outputs = [draw.normal(size=shape).astype(np.float32) for shape in shapes]
    boxes, scores = decoder(settings, shapes, SIZE)(*map(torch.from_numpy, outputs))
    (wanted,) = candidates(settings, outputs, SIZE)
    np.testing.assert_allclose(boxes[0], wanted.corners, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(scores[0], wanted.scores, atol=1e-6)


@pytest.mark.parametrize("box_format", ["xyxy", "xywh", "cxcywh"])
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize(
    ("activation", "background"), [("none", None), ("sigmoid", 2), ("softmax", 0), ("softmax", -1)]
)
def test_boxes_of_every_format(box_format: str, normalized: bool, activation: str, background: int | None) -> None:
    settings = Detection.model_validate(
        {"box_format": box_format, "normalized": normalized, "activation": activation, "background": background}
    )
    _compared(settings, [(1, ANCHORS, 4), (1, ANCHORS, CLASSES)])


@pytest.mark.parametrize(
    ("head", "shapes"),
    [
        ({"head": "yolo"}, [(1, 4 + CLASSES, 30)]),
        ({"head": "yolo", "normalized": True, "activation": "sigmoid"}, [(1, 30, 5 + CLASSES)]),
        ({"head": "detr"}, [(1, ANCHORS, 4), (1, ANCHORS, CLASSES + 1)]),
    ],
)
def test_heads(head: dict[str, object], shapes: Shapes) -> None:
    """YOLOv8's and v11's, YOLOv5's with an objectness, DETR's."""
    _compared(Detection.model_validate(head), shapes)


def test_ssd(tmp_path: Path) -> None:
    np.save(tmp_path / "priors.npy", np.random.default_rng(1).uniform(0.1, 0.5, (ANCHORS, 4)).astype(np.float32))
    settings = Detection(
        head="ssd", priors=str(tmp_path / "priors.npy"), activation="softmax", background=0, variances=(0.1, 0.2)
    )
    _compared(settings, [(1, ANCHORS, 4), (1, ANCHORS, CLASSES)])


def test_a_head_in_parts_is_put_together() -> None:
    """Protects int8: the parts arrive with ranges of their own."""
    draw = np.random.default_rng(0)
    parts = [draw.normal(size=(1, rows, 30)).astype(np.float32) for rows in (4, CLASSES)]
    settings = Detection(head="yolo")
    boxes, scores = decoder(settings, [part.shape for part in parts], SIZE)(*map(torch.from_numpy, parts))
    (wanted,) = candidates(settings, [np.concatenate(parts, 1)], SIZE)
    np.testing.assert_allclose(boxes[0], wanted.corners, atol=1e-5)
    np.testing.assert_array_equal(scores[0], wanted.scores)


def test_final_detections_are_refused() -> None:
    """One class a box: there is nothing left to decode or suppress."""
    with pytest.raises(UsageProblem, match="decoded and suppressed already"):
        decoder(Detection(), [(1, ANCHORS, 4), (1, ANCHORS), (1, ANCHORS)], SIZE)


def test_outputs_that_are_no_such_head_are_refused() -> None:
    with pytest.raises(UsageProblem, match='head = "detr" reads'):
        decoder(Detection(head="detr"), [(1, ANCHORS, 5), (1, ANCHORS, CLASSES)], SIZE)
