"""COCO's accumulation of one sample, compiled: a thousand samples are looked at, each over all detections."""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

RECALLS = np.linspace(0, 1, 101)
"""At which COCO reads precision."""


class Curves(NamedTuple):
    """Detections by curve, which is of one IoU threshold and one class: threshold after threshold, class after class.

    Attributes:
        detection: int32, those of one curve after those of another, the best of a curve first.
        image: int32, which one each is in.
        begins: int64 (curves + 1,), where each curve does.
    """

    detection: NDArray[np.int32]
    image: NDArray[np.int32]
    begins: NDArray[np.int64]


@numba.njit(cache=True)
def accumulate(
    times: NDArray[np.int64],
    objects: NDArray[np.int64],
    image: NDArray[np.int32],
    firsts: NDArray[np.int64],
    finds: Curves,
    left_out: Curves,
) -> NDArray[np.float64]:  # pragma: no cover - compiled
    """Average precision of each curve; NaN where there is nothing to find.

    Precision is looked at where an object is found: between two such places it only falls.

    Args:
        times: (images,), how often each is counted.
        objects: (classes,), how many are to be found in all.
        image: (detections,), of class after class, the best of a class first.
        firsts: (classes,), the first detection of each.
        finds: what finds an object.
        left_out: what counts for nothing.
    """
    shown = np.zeros(len(image) + 1, np.int64)  # before each detection
    for place in range(len(image)):
        shown[place + 1] = shown[place] + times[image[place]]
    longest = np.diff(finds.begins).max()
    precision, steps = np.empty(longest), np.empty(longest, np.int64)
    areas = np.full(len(finds.begins) - 1, np.nan)
    for curve in range(len(areas)):
        label = curve % len(objects)
        if objects[label] == 0:
            continue
        count, hits, reached, nothing, skipped = 0, 0, 0, 0, left_out.begins[curve]
        for find in range(finds.begins[curve], finds.begins[curve + 1]):
            weight = times[finds.image[find]]
            if weight == 0:
                continue
            detection = finds.detection[find]
            while skipped < left_out.begins[curve + 1] and left_out.detection[skipped] < detection:
                nothing += times[left_out.image[skipped]]
                skipped += 1
            hits += weight
            precision[count] = hits / (shown[detection + 1] - shown[firsts[label]] - nothing)
            recall, before = hits / objects[label], reached
            while reached < len(RECALLS) and RECALLS[reached] <= recall:
                reached += 1
            steps[count] = reached - before
            count += 1
        highest, area = 0.0, 0.0
        for place in range(count - 1, -1, -1):
            highest = max(highest, precision[place])
            area += highest * steps[place]
        areas[curve] = area / len(RECALLS)
    return areas
