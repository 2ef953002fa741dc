"""Average precision of any sample of the images, from matches that were made once.

A sample is a weight an image. Detections stay in their order, so that nothing is sorted again; and precision is looked
at where an object is found, since between two such places it only falls.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from exporter.tasks.coco.matching import Matches

RECALLS = np.linspace(0, 1, 101)
"""At which COCO reads precision."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Precision:
    """COCO's accumulation.

    A curve is of one IoU threshold and one class; curves are numbered class after class, threshold after threshold.
    """

    matches: Matches

    def of(self, times: Ints) -> NDArray[np.float64]:
        """Average precision (thresholds, classes); NaN where there is nothing to find.

        Args:
            times: (images,), how often each is counted.
        """
        hits, shown = self._hits(times), self._shown(times)
        envelope = self._envelope(hits / (shown + np.spacing(1)))
        objects = self.objects(times)
        wanted = np.maximum(objects, 1)[self._label]
        found = np.bincount(self._curve, envelope * self._steps(hits / wanted), self._curves) / len(RECALLS)
        return np.where(objects > 0, found.reshape(-1, self.matches.classes), np.nan)

    def objects(self, times: Ints) -> Ints:
        """Objects of each class."""
        label, image, count = self.matches.objects.T
        return np.bincount(label, times[image] * count, self.matches.classes).astype(np.int64)

    def images(self, times: Ints) -> Ints:
        """Different images with objects of each class."""
        label, image, count = self.matches.objects.T
        return np.bincount(label, (times[image] > 0) & (count > 0), self.matches.classes).astype(np.int64)

    @cached_property
    def _curves(self) -> int:
        return len(self.matches.right) * self.matches.classes

    @cached_property
    def _finds(self) -> tuple[Ints, Ints]:
        """Threshold and detection of everything that finds an object, curve after curve."""
        threshold, detection = np.nonzero(self.matches.right & ~self.matches.left_out)
        return threshold, detection

    @cached_property
    def _curve(self) -> Ints:
        threshold, detection = self._finds
        return np.asarray(threshold * self.matches.classes + self.matches.label[detection], np.int64)

    @cached_property
    def _label(self) -> Ints:
        return self.matches.label[self._finds[1]]

    @cached_property
    def _apart(self) -> NDArray[np.float64]:
        """What keeps each curve above those after it."""
        return np.asarray(2 * (self._curves - self._curve), np.float64)

    @cached_property
    def _image(self) -> Ints:
        """Of each find."""
        return self.matches.image[self._finds[1]]

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        """Finds that are the first of their curve."""
        return np.flatnonzero(self._first == np.arange(len(self._first)))

    @cached_property
    def _ends(self) -> tuple[Ints, Ints]:
        """Of each find, the first detection of its class and the one after it."""
        matches, detection = self.matches, self._finds[1]
        start = np.searchsorted(matches.label, np.arange(matches.classes))[self._label]
        return start, detection + 1

    @cached_property
    def _first(self) -> Ints:
        """Of each find, the first of its curve."""
        return np.searchsorted(self._curve, self._curve)

    @cached_property
    def _left_out(self) -> tuple[Ints, Ints, Ints]:
        """Images of what counts for nothing, curve after curve; of each find, how many are before its curve and it."""
        matches, (threshold, detection) = self.matches, self._finds
        outside, others = np.nonzero(matches.left_out)
        size = matches.left_out.shape[1]
        places = outside * size + others
        return (
            matches.image[others],
            np.searchsorted(places, threshold * size + self._ends[0]),
            np.searchsorted(places, threshold * size + detection),
        )

    def _hits(self, times: Ints) -> Ints:
        """Objects found by each find and those before it on its curve."""
        total = _running(times[self._image])
        return np.asarray(total[1:] - total[self._first])

    def _shown(self, times: Ints) -> Ints:
        """Detections that count up to each find of its curve, right and wrong."""
        total = _running(times[self.matches.image])
        start, end = self._ends
        shown = total[end] - total[start]
        images, before, until = self._left_out
        if len(images):
            nothing = _running(times[images])
            shown -= nothing[until] - nothing[before]
        return np.asarray(shown)

    def _envelope(self, precision: NDArray[np.float64]) -> NDArray[np.float64]:
        """The most that is reached at each find or after it on its curve."""
        return np.asarray(np.maximum.accumulate((precision + self._apart)[::-1])[::-1] - self._apart)

    def _steps(self, recall: NDArray[np.float64]) -> Ints:
        """How many of COCO's recalls are first reached at each find."""
        nearest = np.rint(recall * 100).astype(np.int64)
        reached = nearest + (RECALLS[nearest] <= recall)
        steps = np.diff(reached, prepend=0)
        steps[self._starts] = reached[self._starts]
        return steps


def _running(values: Ints) -> Ints:
    """Sums of the first none, one, two and so on."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
