"""What instance segmenters give: candidates for boxes, and what a mask is made of for each."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.tasks.detection.heads import Candidates, Floats, Size, candidates, yolo_candidates
from exporter.tasks.instance_segmentation.settings import InstanceSegmentation


class Outlined(NamedTuple):
    """Of one image.

    Attributes:
        boxes: candidates.
        masks: of candidates at these places, float32 (chosen, H, W) that cover the input: a pixel belongs where it is
            above the level.
        level: that a pixel must exceed.
    """

    boxes: Candidates
    masks: Callable[[NDArray[np.intp]], Floats]
    level: float


def outlined(settings: InstanceSegmentation, outputs: Sequence[Floats], size: Size) -> list[Outlined]:
    """What each image of a run holds.

    Raises:
        UsageProblem: the outputs have other shapes than the head has.
    """
    return _HEADS[settings.head](settings, outputs, size)


def _masks(settings: InstanceSegmentation, outputs: Sequence[Floats], size: Size) -> list[Outlined]:
    if len(outputs) < 4 or outputs[3].ndim != 4 or outputs[3].shape[:2] != outputs[0].shape[:2]:
        raise _unlike(settings, outputs, "boxes (N, K, 4), scores (N, K), classes (N, K) and masks (N, K, H, W)")
    found = candidates(settings.boxes, outputs[:3], size)
    level = settings.mask_threshold
    return [Outlined(boxes, masks.__getitem__, level) for boxes, masks in zip(found, outputs[3], strict=True)]


def _yolo(settings: InstanceSegmentation, outputs: Sequence[Floats], size: Size) -> list[Outlined]:
    """Source: ultralytics ``Segment`` and ``process_mask_native``."""
    wanted = "(N, 4 + classes + coefficients, anchors) and prototypes (N, coefficients, H, W)"
    if len(outputs) < 2 or outputs[0].ndim != 3 or outputs[1].ndim != 4:
        raise _unlike(settings, outputs, wanted)
    head, prototypes = outputs[:2]
    many = prototypes.shape[1]
    if head.shape[1] <= 4 + many:
        raise _unlike(settings, outputs, wanted)
    rows = np.swapaxes(head, 1, 2)
    found = yolo_candidates(settings.boxes, rows[..., :-many], size)
    level = float(np.log(settings.mask_threshold / (1 - settings.mask_threshold)))
    each = zip(found, rows[..., -many:], prototypes, strict=True)
    return [Outlined(boxes, _mixed(*pair), level) for boxes, *pair in each]


def _mixed(coefficients: Floats, prototypes: Floats) -> Callable[[NDArray[np.intp]], Floats]:
    return lambda places: np.asarray(np.tensordot(coefficients[places], prototypes, 1), np.float32)


_HEADS: Mapping[str, Callable[[InstanceSegmentation, Sequence[Floats], Size], list[Outlined]]] = {
    "masks": _masks,
    "yolo": _yolo,
}


def _unlike(settings: InstanceSegmentation, outputs: Sequence[Floats], wanted: str) -> UsageProblem:
    shapes = ", ".join(str(list(output.shape)) for output in outputs)
    return UsageProblem(
        f'[model.task] instance_segmentation, head = "{settings.head}", reads {wanted}; the outputs are {shapes}. Name '
        "them in this order with outputs = [...], or choose another head."
    )
