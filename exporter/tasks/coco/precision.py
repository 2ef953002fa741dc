"""Average precision of any sample of the images, from matches that were made once.

A sample is a weight an image. Detections stay in their order, so that nothing is sorted again.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from exporter.tasks.coco.matching import Matches

if TYPE_CHECKING:
    from exporter.tasks.coco.accumulation import Curves

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Precision:
    """COCO's accumulation."""

    matches: Matches

    def of(self, times: Ints) -> NDArray[np.float64]:
        """Average precision (thresholds, classes); NaN where there is nothing to find.

        Args:
            times: (images,), how often each is counted.
        """
        from exporter.tasks.coco.accumulation import accumulate  # numba takes half a second

        areas = accumulate(times, self.objects(times), self._image, self._firsts, self._finds, self._left_out)
        return areas.reshape(-1, self.matches.classes)

    def objects(self, times: Ints) -> Ints:
        """Objects of each class."""
        label, image, count = self.matches.objects.T
        return np.bincount(label, times[image] * count, self.matches.classes).astype(np.int64)

    def images(self, times: Ints) -> Ints:
        """Different images with objects of each class."""
        label, image, count = self.matches.objects.T
        return np.bincount(label, (times[image] > 0) & (count > 0), self.matches.classes).astype(np.int64)

    @cached_property
    def _image(self) -> NDArray[np.int32]:
        """Of each detection, in half the bytes."""
        return self.matches.image.astype(np.int32)

    @cached_property
    def _firsts(self) -> Ints:
        """The first detection of each class."""
        return np.searchsorted(self.matches.label, np.arange(self.matches.classes))

    @cached_property
    def _finds(self) -> "Curves":
        """What finds an object."""
        return self._curves(self.matches.right & ~self.matches.left_out)

    @cached_property
    def _left_out(self) -> "Curves":
        """What counts for nothing."""
        return self._curves(self.matches.left_out)

    def _curves(self, marked: NDArray[np.bool_]) -> "Curves":
        """Detections that are marked (thresholds, detections)."""
        from exporter.tasks.coco.accumulation import Curves

        threshold, detection = np.nonzero(marked)
        curve = threshold * self.matches.classes + self.matches.label[detection]
        begins = np.searchsorted(curve, np.arange(len(marked) * self.matches.classes + 1))
        return Curves(detection.astype(np.int32), self._image[detection], begins)
