"""Average precision of boxes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.datasets.truths import Boxes
from exporter.tasks.coco.tally import AveragePrecision, annotations
from exporter.tasks.task import Figures


@dataclass
class BoxPrecision:
    """A tally of `Boxes` against `Boxes`."""

    precision: AveragePrecision

    def add(self, prediction: Boxes, truth: Boxes) -> None:
        """Take in one image."""
        self.precision.add(annotations(prediction), annotations(truth))

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """As COCO's."""
        return self.precision.figures(sample)
