"""Lines of YOLO text files, in shares of the image.

Source: https://docs.ultralytics.com/datasets/detect/, ``segment/`` and ``pose/``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.datasets.files.outlines import is_outside

ROUNDING = 0.005
"""Share of the image by which edges may lie outside, as coordinates of two decimals are rounded."""


@dataclass(frozen=True)
class YoloObject:
    """A line, in shares of the image.

    Attributes:
        box: left, top, right, bottom.
        outline: x, y of each corner; empty where the line is a box.
        points: x, y, visibility of each point; empty where the line has none.
    """

    place: int
    box: tuple[float, float, float, float]
    outline: tuple[float, ...] = ()
    points: tuple[float, ...] = ()


def parse_line(line: str, classes: int, shape: tuple[int, int] | None, outlined: bool = False) -> YoloObject:
    """An object of a line: ``class cx cy w h``, with points behind it, or ``class x y x y x y ...``.

    Args:
        line: of numbers with spaces between.
        classes: how many there are; 0 where it is not known.
        shape: number of points and of their numbers; None where lines have none.
        outlined: whether it must have an outline.

    Raises:
        ValueError: what is wrong.
    """
    words = line.split()
    values = [_share(word) for word in words[1:]]
    place = _class(words[0], classes)
    expected = 4 if shape is None else 4 + shape[0] * shape[1]
    if len(values) == expected:
        if outlined:
            raise ValueError("a box, where an outline x y x y x y ... is needed")
        return YoloObject(place, _box(values), points=_points(values[4:], shape))
    if shape is not None or len(values) < 6 or len(values) % 2:
        lines = "" if shape is not None else " or an outline of three points or more"
        raise ValueError(f"{len(values)} numbers after the class, not {expected}{lines}")
    xs, ys = values[::2], values[1::2]
    if is_outside(xs, ys, 1, 1, ROUNDING):
        raise ValueError("an outline outside of the image; coordinates are shares from 0 to 1")
    return YoloObject(place, (min(xs), min(ys), max(xs), max(ys)), outline=tuple(values))


def _class(word: str, classes: int) -> int:
    try:
        place = int(word)
    except ValueError:
        raise ValueError(f"class {word!r} is no whole number") from None
    if place < 0 or (classes and place >= classes):
        raise ValueError(f"class {place}, and there are {classes} names")
    return place


def _share(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise ValueError(f"{word!r} is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{word} is no coordinate")
    return value


def _box(values: Sequence[float]) -> tuple[float, float, float, float]:
    x, y, width, height = values[:4]
    if not width > 0 or not height > 0:
        raise ValueError(f"a box of width {width:g} and height {height:g}; both are above 0")
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    if is_outside(box[::2], box[1::2], 1, 1, ROUNDING):
        raise ValueError(
            f"a box outside of the image, from {box[0]:.4g}, {box[1]:.4g} to {box[2]:.4g}, {box[3]:.4g}; "
            "coordinates are shares from 0 to 1"
        )
    return box


def _points(values: Sequence[float], shape: tuple[int, int] | None) -> tuple[float, ...]:
    """x, y, visibility of each; without visibilities a point at 0, 0 is not labelled, as ultralytics has it."""
    if shape is None:
        return ()
    points = []
    for start in range(0, len(values), shape[1]):
        x, y, *rest = values[start : start + shape[1]]
        seen = rest[0] if rest else 2.0 * (x != 0 or y != 0)
        if seen not in (0, 1, 2):
            raise ValueError(f"visibility {seen:g}, not 0, 1 or 2")
        if seen and is_outside([x], [y], 1, 1, ROUNDING):
            raise ValueError(f"a point outside of the image, at {x:g}, {y:g}")
        points += [x, y, seen]
    return tuple(points)
