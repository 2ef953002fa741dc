"""The reference of suppression in files against torchvision's own."""

from typing import Any

import numpy as np
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from exporter.data.settings.suppression import MOST_CANDIDATES, Suppression
from exporter.tasks.detection.suppressed import Suppressed

BOXES, CLASSES = 10, 3
corners = arrays(np.int64, (BOXES, 4), elements=st.integers(0, 8))
scores = arrays(np.int64, (BOXES, CLASSES), elements=st.integers(0, 8))


@settings(max_examples=200, deadline=None)
@given(corners, scores, st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.9]), st.booleans(), st.sampled_from([3, 30]))
def test_as_batched_nms(drawn: NDArray[Any], points: NDArray[Any], threshold: float, agnostic: bool, most: int) -> None:
    """Whole numbers, whose coordinates `batched_nms` does not round; ties, equal boxes and boxes without area too."""
    asked = Suppression(iou_threshold=threshold, score_threshold=0.25, most_detections=most, class_agnostic=agnostic)
    boxes = torch.from_numpy(np.concatenate([drawn[:, :2], drawn[:, :2] + drawn[:, 2:]], 1).astype(np.float32))
    share = torch.from_numpy(points.astype(np.float32) / 8)
    found, best, kinds, count = (value[0] for value in Suppressed(asked)(boxes[None], share[None]))
    places, classes = torch.nonzero(share >= 0.25, as_tuple=True)
    own, groups = share[places, classes], torch.zeros_like(classes) if agnostic else classes
    kept = torchvision.ops.batched_nms(boxes[places], own, groups, threshold)[:most]
    assert int(count) == len(kept)
    assert torch.equal(found[: len(kept)], boxes[places][kept])
    assert torch.equal(best[: len(kept)], own[kept])
    assert torch.equal(kinds[: len(kept)].long(), classes[kept])
    assert not any(value[len(kept) :].any() for value in (found, best, kinds))


def test_boxes_left_of_the_picture_are_of_their_own_class() -> None:
    """`batched_nms` moves classes apart by the largest coordinate, so that negative ones meet other classes."""
    boxes = torch.tensor([[[0.0, 0.0, 10.0, 10.0], [-11.0, -11.0, -1.0, -1.0]]])
    points = torch.tensor([[[0.9, 0.0], [0.0, 0.8]]])
    *_, count = Suppressed(Suppression(score_threshold=0.5))(boxes, points)
    assert int(count) == 2


def test_without_a_threshold_all_candidates_are_left_in_order() -> None:
    """As detectors need it that suppress nothing, such as DETR."""
    points = torch.tensor([[[0.5, 0.7], [0.6, 0.1]]])
    _, best, kinds, count = Suppressed(Suppression(iou_threshold=None, score_threshold=0.2, most_detections=5))(
        torch.zeros(1, 2, 4), points
    )
    assert torch.equal(best[0], torch.tensor([0.7, 0.6, 0.5, 0.0, 0.0]))
    assert kinds[0].tolist() == [1, 0, 0, 0, 0]
    assert int(count) == 3


def test_more_candidates_than_files_look_at() -> None:
    """The best are looked at, whatever the threshold."""
    points = torch.linspace(0.1, 1, MOST_CANDIDATES + 10).reshape(1, -1, 1)
    asked = Suppression(iou_threshold=None, score_threshold=0, most_detections=MOST_CANDIDATES + 20)
    *_, count = Suppressed(asked)(torch.zeros(1, MOST_CANDIDATES + 10, 4), points)
    assert int(count) == MOST_CANDIDATES
