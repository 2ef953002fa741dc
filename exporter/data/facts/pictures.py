"""Picture: what a file says of how a picture becomes one of its inputs."""

from exporter.data.base import Frozen
from exporter.data.facts.source import Interpolation
from exporter.data.settings.model import ColorOrder
from exporter.data.settings.task import Resize


class Picture(Frozen):
    """How an app makes an input of a picture.

    Attributes:
        color: order of the channels that the input takes.
        mean: a channel, of ``(pixel / 255 - mean) / std``, which the app computes; empty where the input takes pixels
            from 0 to 255 as they are, and nothing is left to compute.
        std: likewise.
        resize: how a picture of another size is fitted; None where that is not known.
        crop: of ``crop``, the share of the shorter side that the centre crop keeps.
        interpolation: with which it is fitted; None where that is not known.
    """

    color: ColorOrder
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    resize: Resize | None = None
    crop: float | None = None
    interpolation: Interpolation | None = None

    @property
    def takes_pixels(self) -> bool:
        """Whether the input takes pixels as they are."""
        return not self.mean

    def __str__(self) -> str:
        """In words."""
        gray = self.color == "GRAY"
        values = f"{'gray' if gray else self.color} pixels from 0 to 255"
        if not self.takes_pixels:
            mean, std = (", ".join(f"{value:.6g}" for value in values) for values in (self.mean, self.std))
            values += f", to be normalized by the app: (pixel / 255 - {mean}) / {std}"
        return f"{values}{self._fitted()}"

    def _fitted(self) -> str:
        how = "" if self.interpolation is None else f", {self.interpolation}"
        match self.resize:
            case None:
                return ""
            case "crop":
                return f"; of other sizes the middle, {self.crop or 1:.4g} of the shorter side{how}"
            case "stretch":
                return f"; other sizes are stretched{how}"
            case "letterbox":
                return f"; other sizes are fitted whole, with gray bars (letterbox){how}"
