"""How the outputs of a depth model are read."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.data.settings.task import TaskSettings

Positive = Annotated[float, Field(gt=0)]


class Depth(TaskSettings):
    """A distance for every pixel.

    Attributes:
        output: name of the map, (N, H, W), (N, 1, H, W) or (N, H, W, 1); the first output where it is empty.
        gives: what it holds: distances, or disparities (one over a distance, up to a factor and a shift).
        alignment: how an output is brought to the labels' scale, image by image: not at all, by the ratio of the
            medians, or by the factor and shift with the least squared error, as models of relative depth need.
        least: distances of labels below it do not count, and outputs below it are raised to it; in the labels' unit.
        most: the same at the other end.
    """

    kind: Literal["depth"] = "depth"
    output: str = ""
    gives: Literal["depth", "disparity"] = "depth"
    alignment: Literal["none", "median", "affine"] = "none"
    least: Positive = 1e-3
    most: Positive = 1e3


SETTINGS = Depth
