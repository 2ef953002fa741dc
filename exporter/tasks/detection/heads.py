"""What detectors give, as candidates: boxes in pixels of the input, and a score for every class."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.tasks.detection.settings import Detection

Floats = NDArray[np.float32]


class Candidates(NamedTuple):
    """Of one image.

    Attributes:
        corners: (N, 4), left, top, right, bottom in pixels of the input.
        scores: (N, classes) in [0, 1], without a background; or (N,) where `classes` says which.
        classes: (N,) where a candidate has one class alone.
    """

    corners: Floats
    scores: Floats
    classes: NDArray[np.int64] | None = None


Size = tuple[int, int]
"""Width and height of the input."""


def candidates(settings: Detection, outputs: Sequence[Floats], size: Size) -> list[Candidates]:
    """The candidates of each image of a run.

    Args:
        outputs: those that the settings name, in their order.

    Raises:
        UsageProblem: they have other shapes than the head has.
    """
    return _HEADS[settings.head](settings, outputs, size)


def _boxes(settings: Detection, outputs: Sequence[Floats], size: Size) -> list[Candidates]:
    if len(outputs) < 2 or outputs[0].ndim != 3 or outputs[0].shape[-1] != 4:
        raise _unlike(settings, outputs, "boxes (N, boxes, 4), scores (N, boxes) or (N, boxes, classes), and classes")
    corners = _corners(outputs[0], settings.box_format) * _scale(settings, size)
    if outputs[1].ndim == 3:
        return [Candidates(*pair) for pair in zip(corners, _scores(settings, outputs[1]), strict=True)]
    if len(outputs) < 3:
        raise _unlike(settings, outputs, "classes (N, boxes) as the third output, since scores have no classes")
    classes = np.rint(outputs[2]).astype(np.int64)
    return [Candidates(*parts) for parts in zip(corners, _activated(settings, outputs[1]), classes, strict=True)]


def _yolo(settings: Detection, outputs: Sequence[Floats], size: Size) -> list[Candidates]:
    """Source: ultralytics ``Detect`` (v8, v11: channels first, no objectness) and yolov5 ``Detect`` (channels last)."""
    (head,) = outputs[:1]
    if head.ndim != 3:
        raise _unlike(settings, outputs, "(N, 4 + classes, anchors), or (N, anchors, 5 + classes) with an objectness")
    with_objectness = head.shape[1] > head.shape[2]
    rows = head if with_objectness else np.swapaxes(head, 1, 2)
    return yolo_candidates(settings, rows, size, with_objectness)


def yolo_candidates(settings: Detection, rows: Floats, size: Size, with_objectness: bool = False) -> list[Candidates]:
    """Those of each image.

    Args:
        rows: (N, anchors, 4 + classes), or 5 + classes with an objectness before the classes.
    """
    corners = _corners(rows[..., :4], "cxcywh") * _scale(settings, size)
    scores = _activated(settings, rows[..., 4:])
    if with_objectness:
        scores = scores[..., :1] * scores[..., 1:]
    return [Candidates(*pair) for pair in zip(corners, scores, strict=True)]


def _ssd(settings: Detection, outputs: Sequence[Floats], size: Size) -> list[Candidates]:
    """Source: Liu et al., "SSD: Single Shot MultiBox Detector", 2016, and torchvision's ``BoxCoder``."""
    priors = priors_of(settings)
    if len(outputs) < 2 or outputs[0].shape[1:] != priors.shape or outputs[1].shape[1] != len(priors):
        raise _unlike(settings, outputs, f"offsets (N, {len(priors)}, 4) and scores (N, {len(priors)}, classes)")
    centre, extent = settings.variances
    moved = outputs[0]
    centres = priors[:, :2] + moved[..., :2] * centre * priors[:, 2:]
    sides = priors[:, 2:] * np.exp(moved[..., 2:] * extent)
    corners = _corners(np.concatenate([centres, sides], -1), "cxcywh") * np.array([*size, *size], np.float32)
    return [Candidates(*pair) for pair in zip(corners, _scores(settings, outputs[1]), strict=True)]


def _detr(settings: Detection, outputs: Sequence[Floats], size: Size) -> list[Candidates]:
    """Source: Carion et al., "End-to-End Object Detection with Transformers", 2020."""
    if len(outputs) < 2 or outputs[0].ndim != 3 or outputs[0].shape[-1] != 4 or outputs[1].ndim != 3:
        raise _unlike(settings, outputs, "boxes (N, queries, 4) and logits (N, queries, classes + 1)")
    corners = _corners(outputs[0], "cxcywh") * np.array([*size, *size], np.float32)
    scores = _softmax(outputs[1])[..., :-1]
    return [Candidates(*pair) for pair in zip(corners, scores, strict=True)]


_HEADS: Mapping[str, Callable[[Detection, Sequence[Floats], Size], list[Candidates]]] = {
    "boxes": _boxes,
    "yolo": _yolo,
    "ssd": _ssd,
    "detr": _detr,
}


def _corners(boxes: Floats, box_format: str) -> Floats:
    first, second = boxes[..., :2], boxes[..., 2:]
    if box_format == "xyxy":
        return boxes
    start = first - second / 2 if box_format == "cxcywh" else first
    return np.asarray(np.concatenate([start, start + second], -1), np.float32)


def _scale(settings: Detection, size: Size) -> Floats:
    return np.array([*size, *size] if settings.normalized else [1, 1, 1, 1], np.float32)


def _scores(settings: Detection, given: Floats) -> Floats:
    """A score for every class that is one."""
    scores = _activated(settings, given)
    return scores if settings.background is None else np.delete(scores, settings.background, -1)


def _activated(settings: Detection, given: Floats) -> Floats:
    if settings.activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-given.astype(np.float64))), np.float32)
    return _softmax(given) if settings.activation == "softmax" else given


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True), np.float32)


def priors_of(settings: Detection) -> Floats:
    """(anchors, 4) centre boxes in [0, 1].

    Raises:
        UsageProblem: there are none, or their file is no such array.
    """
    if not settings.priors:
        raise UsageProblem('[model.task] head = "ssd" needs priors: an .npy of (anchors, 4) centre boxes in [0, 1].')
    try:
        found = np.load(Path(settings.priors), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UsageProblem(f"[model.task] priors {settings.priors} cannot be read: {error}.") from error
    if found.ndim != 2 or found.shape[1] != 4:
        raise UsageProblem(f"[model.task] priors {settings.priors} have shape {list(found.shape)}, not (anchors, 4).")
    return np.asarray(found, np.float32)


def _unlike(settings: Detection, outputs: Sequence[Floats], wanted: str) -> UsageProblem:
    shapes = ", ".join(str(list(output.shape)) for output in outputs)
    return UsageProblem(
        f'[model.task] head = "{settings.head}" reads {wanted}; the outputs are {shapes}. Name them in this order with '
        "outputs = [...], or choose another head."
    )
