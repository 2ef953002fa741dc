"""What was found on an example, as reports draw it: marks and class maps on the picture that the model was given.

Facts name pictures and do not hold them: a name is the SHA-256 of the file that it stands for, with its kind behind.
"""

import base64
import hashlib
from collections.abc import MutableMapping
from typing import Literal

from exporter.data.base import Frozen

Kind = Literal["jpg", "png"]


def keep_picture(pictures: MutableMapping[str, str], content: bytes, kind: Kind) -> str:
    """Put an image file among `pictures`, which are in base64 by name; gives its name."""
    name = f"{hashlib.sha256(content).hexdigest()}.{kind}"
    pictures[name] = base64.b64encode(content).decode()
    return name


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
        classes: name of a PNG of the picture's size, a colour a class and nothing where the first class is; empty for
            tasks that have no class a pixel.
    """

    marks: tuple[Mark, ...] = ()
    classes: str = ""


class Shown(Frozen):
    """An example, and what source and artifact make of it.

    Attributes:
        name: of the file, or the number of the example.
        width: of the model's input, in pixels, and so on.
        picture: name of the input as a JPEG, perhaps smaller.
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

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of all that are drawn."""
        drawings = (self.source, self.artifact, *([self.truth] if self.truth else []))
        return (self.picture, *(drawing.classes for drawing in drawings if drawing.classes))
