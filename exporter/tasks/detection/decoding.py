"""The decoding of detection heads as torch modules, for files that give boxes and scores.

Each module takes the outputs that a head reads, of one image, and gives corners (1, N, 4) in pixels of the input and
scores (1, N, classes) in [0, 1]: what `exporter.tasks.detection.heads` gives for them. They are converted by themselves
and stand behind a model of any precision in float32, as coordinates in pixels need more than 8 bits, or float16's 11.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from exporter.data.errors import UsageProblem
from exporter.tasks.detection.heads import Size, candidates, priors_of
from exporter.tasks.detection.settings import Detection

Shape = tuple[int, ...]


def decoder(settings: Detection, shapes: Sequence[Shape], size: Size) -> torch.nn.Module:
    """The module that decodes a head.

    Args:
        shapes: of the outputs that the head reads, for one image; of a head in parts those of the parts, which lie
            behind one another along the axis in which they differ.
        size: width and height of the input.

    Raises:
        UsageProblem: the outputs have other shapes than the head has, or hold final detections.
    """
    whole, axis = _whole(settings, shapes)
    (found,) = candidates(settings, [np.zeros(shape, np.float32) for shape in whole], size)
    if found.classes is not None:
        raise UsageProblem(
            "[model.task] says that the outputs hold one class a box: they are decoded and suppressed already. "
            'Leave postprocessing out, or set it to "none".'
        )
    module = _HEADS[settings.head](settings, whole, size)
    return (module if axis is None else _Together(module, axis)).eval()


def _whole(settings: Detection, shapes: Sequence[Shape]) -> tuple[list[Shape], int | None]:
    """Shapes of the outputs, and the axis along which parts of the first of a ``yolo`` head lie."""
    if settings.head != "yolo" or len(shapes) == 1:
        return list(shapes), None
    axis = next(axis for axis in range(3) if len({shape[axis] for shape in shapes}) > 1)
    total = sum(shape[axis] for shape in shapes)
    return [(*shapes[0][:axis], total, *shapes[0][axis + 1 :])], axis


class _Together(torch.nn.Module):
    """A head whose output arrives in parts."""

    def __init__(self, module: torch.nn.Module, axis: int) -> None:
        super().__init__()
        self.module, self.axis = module, axis

    def forward(self, *parts: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = self.module(torch.cat(parts, self.axis))
        return found


class _Boxes(torch.nn.Module):
    def __init__(self, settings: Detection, shapes: Sequence[Shape], size: Size) -> None:
        super().__init__()
        self.settings, self.size = settings, size

    def forward(self, boxes: Tensor, scores: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        corners = _corners(boxes, self.settings.box_format)
        return _scaled(corners, self.settings, self.size), _scores(scores, self.settings)


class _Yolo(torch.nn.Module):
    def __init__(self, settings: Detection, shapes: Sequence[Shape], size: Size) -> None:
        super().__init__()
        self.settings, self.size = settings, size
        self.has_objectness = shapes[0][1] > shapes[0][2]

    def forward(self, head: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        rows = head if self.has_objectness else head.transpose(1, 2)
        scores = _activated(rows[..., 4:], self.settings)
        if self.has_objectness:
            scores = scores[..., :1] * scores[..., 1:]
        return _scaled(_corners(rows[..., :4], "cxcywh"), self.settings, self.size), scores


class _Ssd(torch.nn.Module):
    priors: Tensor

    def __init__(self, settings: Detection, shapes: Sequence[Shape], size: Size) -> None:
        super().__init__()
        self.settings, self.size = settings, size
        self.register_buffer("priors", torch.from_numpy(priors_of(settings))[None])

    def forward(self, offsets: Tensor, scores: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        centre, extent = self.settings.variances
        centres = self.priors[..., :2] + offsets[..., :2] * centre * self.priors[..., 2:]
        sides = self.priors[..., 2:] * torch.exp(offsets[..., 2:] * extent)
        corners = _corners(torch.cat([centres, sides], -1), "cxcywh")
        return _in_pixels(corners, self.size), _scores(scores, self.settings)


class _Detr(torch.nn.Module):
    def __init__(self, settings: Detection, shapes: Sequence[Shape], size: Size) -> None:
        super().__init__()
        self.size = size

    def forward(self, boxes: Tensor, logits: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        return _in_pixels(_corners(boxes, "cxcywh"), self.size), torch.softmax(logits, -1)[..., :-1]


_HEADS: Mapping[str, Callable[[Detection, Sequence[Shape], Size], torch.nn.Module]] = {
    "boxes": _Boxes,
    "yolo": _Yolo,
    "ssd": _Ssd,
    "detr": _Detr,
}


def _corners(boxes: Tensor, box_format: str) -> Tensor:
    if box_format == "xyxy":
        return boxes
    first, second = boxes[..., :2], boxes[..., 2:]
    start = first - second / 2 if box_format == "cxcywh" else first
    return torch.cat([start, start + second], -1)


def _scaled(corners: Tensor, settings: Detection, size: Size) -> Tensor:
    return _in_pixels(corners, size) if settings.normalized else corners


def _in_pixels(corners: Tensor, size: Size) -> Tensor:
    return corners * torch.tensor([*size, *size], dtype=torch.float32)


def _scores(given: Tensor, settings: Detection) -> Tensor:
    """A score for every class that is one."""
    scores, nothing = _activated(given, settings), settings.background
    if nothing is None:
        return scores
    place = nothing % given.shape[-1]
    parts = [part for part in (scores[..., :place], scores[..., place + 1 :]) if part.shape[-1]]
    return parts[0] if len(parts) == 1 else torch.cat(parts, -1)


def _activated(given: Tensor, settings: Detection) -> Tensor:
    if settings.activation == "sigmoid":
        return torch.sigmoid(given)
    return torch.softmax(given, -1) if settings.activation == "softmax" else given
