"""How the outputs of a semantic segmenter are read."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.data.settings.task import TaskSettings

Share = Annotated[float, Field(gt=0, le=1)]


class Segmentation(TaskSettings):
    """A class for every pixel.

    Attributes:
        output: name of the scores, (N, classes, H, W), (N, H, W, classes) where the input is so, or (N, classes, D, H,
            W) of volumes; or of the classes themselves, (N, H, W). The first output where it is empty.
        threshold: for one class: pixels with a higher score belong to it.
        ignore: class index of pixels that do not count.
        boundary: width of the band inside the borders in which boundary IoU is measured, as a share of the diagonal.
    """

    kind: Literal["segmentation"] = "segmentation"
    output: str = ""
    threshold: float = 0.0
    ignore: int = 255
    boundary: Share = 0.02


SETTINGS = Segmentation
