"""A plot of named marks on two named axes; `plots.html.j2` draws it as wide as its page is."""

from collections.abc import Sequence
from typing import NamedTuple

from exporter.report.html.plots.axes import Axis

SHAPES = ("circle", "square", "diamond", "triangle", "cross")
"""A colour alone is none to many readers and on much paper."""


class Spot(NamedTuple):
    """A mark.

    Attributes:
        number: written beside it; empty for a mark among very many.
        label: everything about it, for whoever points at it.
        look: one of `SHAPES`.
        tone: the style sheet's class of its colour.
        left: percent of the width.
        top: percent of the height.
        state: classes more.
    """

    number: str
    label: str
    look: str
    tone: str
    left: float
    top: float
    state: str = ""


class Line(NamedTuple):
    """A straight line across the plot at `place`, in percent, with its words."""

    place: float
    words: str
    tone: str = "bad"


class Key(NamedTuple):
    """What a shape or a number stands for."""

    words: str
    look: str = ""
    tone: str = ""
    number: str = ""


class Field(NamedTuple):
    """Everything that the template needs.

    Attributes:
        across: lines from top to bottom.
        level: lines from left to right.
        trace: whether the marks are joined, in their order.
        remarks: of what is not drawn, and how to read what is.
    """

    title: str
    x_title: str
    y_title: str
    x: Axis
    y: Axis
    spots: Sequence[Spot]
    across: Sequence[Line] = ()
    level: Sequence[Line] = ()
    trace: bool = False
    keys: Sequence[Key] = ()
    remarks: Sequence[str] = ()
