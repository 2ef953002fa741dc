"""What was found on an example, as reports draw it: marks and class maps on the picture that the model was given."""

from exporter.data.base import Frozen


class Mark(Frozen):
    """An object on a picture.

    Attributes:
        corners: left, top, right, bottom, in pixels of the picture.
        name: of its class.
        score: None where it is known.
        points: of a pose, in pixels.
    """

    corners: tuple[float, float, float, float]
    name: str
    score: float | None = None
    points: tuple[tuple[float, float], ...] = ()


class Drawing(Frozen):
    """What one model found, or what is true.

    Attributes:
        classes: a PNG of the picture's size in base64, a colour a class and nothing where the first class is; empty for
            tasks that have no class a pixel.
    """

    marks: tuple[Mark, ...] = ()
    classes: str = ""


class Shown(Frozen):
    """An example, and what source and artifact make of it.

    Attributes:
        name: of the file, or the number of the example.
        width: of the model's input, in pixels, and so on.
        picture: the input as a JPEG in base64, perhaps smaller.
        metric: by which the artifact is worse, by `loss`, on this example alone.
        truth: None where the source itself is what is to be found.
    """

    name: str
    width: int
    height: int
    picture: str
    metric: str
    loss: float
    source: Drawing
    artifact: Drawing
    truth: Drawing | None = None
