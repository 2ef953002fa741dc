"""How the outputs of a model that makes images are read."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.data.settings.task import TaskSettings


class SuperResolution(TaskSettings):
    """An image an example.

    Attributes:
        output: name of the images, (N, C, H, W), or (N, H, W, C) where the input is so; the first where it is empty.
        peak: what the output gives for white; labels are in [0, 1].
        crop_border: pixels at each side that do not count, often the factor of magnification.
        luma: whether the luma of RGB alone counts (BT.601 in 16 to 235, as papers on super-resolution do).
    """

    kind: Literal["super_resolution"] = "super_resolution"
    output: str = ""
    peak: Annotated[float, Field(gt=0)] = 1.0
    crop_border: Annotated[int, Field(ge=0)] = 0
    luma: bool = False


SETTINGS = SuperResolution
