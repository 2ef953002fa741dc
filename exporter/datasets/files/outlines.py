"""Outlines of objects: polygons and run-length codes to masks, through pycocotools."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.execution.heavy import load

Outline = Sequence[Sequence[float]] | Mapping[str, Any]
"""Polygons ``[[x, y, x, y, ...], ...]`` in pixels, or ``{"size": [height, width], "counts": ...}``, packed or not."""


SLACK = 1.0
"""Pixels by which boxes and points may lie outside of their image, which rounding explains."""


def is_outside(xs: Sequence[float], ys: Sequence[float], width: float, height: float, slack: float = SLACK) -> bool:
    """Whether a coordinate lies outside of an image of this size, by more than `slack`."""
    across = min(xs) < -slack or max(xs) > width + slack
    return across or min(ys) < -slack or max(ys) > height + slack


def outline_problem(outline: Any, height: int | None, width: int | None) -> str:
    """What keeps it from being an outline in an image of this size, as a sentence; empty when nothing does."""
    if isinstance(outline, dict):
        return _code_problem(outline, height, width)
    if not isinstance(outline, list) or not outline:
        return "is neither a list of polygons nor {size, counts}"
    for polygon in outline:
        numbers = isinstance(polygon, list) and _is_row_of_numbers(polygon)
        if not numbers or len(polygon) < 6 or len(polygon) % 2:
            return "has a polygon that is not at least three points x, y, x, y, ..."
        if width is not None and height is not None and is_outside(polygon[::2], polygon[1::2], width, height):
            return f"has a polygon outside of the image, which is {width}x{height}"
    return ""


def mask_of(outline: Outline, height: int, width: int) -> NDArray[np.bool_]:
    """The pixels inside, bool (height, width).

    Args:
        outline: of which `outline_problem` says nothing.
    """
    if isinstance(outline, Mapping):
        runs = _runs(outline["counts"])
        inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        return np.ascontiguousarray(inside.reshape(width, height).T)
    coder = load("pycocotools.mask")
    codes = coder.frPyObjects([list(polygon) for polygon in outline], height, width)
    return np.asarray(coder.decode(coder.merge(codes)), bool)


def _code_problem(outline: Mapping[str, Any], height: int | None, width: int | None) -> str:
    size, counts = outline.get("size"), outline.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        return f"has the size {size!r}, not [height, width]"
    if height is not None and width is not None and size != [height, width]:
        return f"is of {size[1]}x{size[0]} pixels and the image of {width}x{height}"
    if not isinstance(counts, str | list):
        return "has counts that are neither a string nor whole numbers"
    runs = _runs(counts)
    if not all(isinstance(run, int) and run >= 0 for run in runs):
        return "has counts that are not whole numbers from 0"
    return "" if sum(runs) == size[0] * size[1] else f"has counts of {sum(runs)} pixels, not {size[0] * size[1]}"


def _runs(counts: Sequence[int] | str) -> Sequence[int]:
    """Lengths of runs of zeros and ones in turn, down the columns; of strings as pycocotools' ``rleFrString`` has it.

    Six bits a character: five of the number, the lowest first, and whether more follow; from the fourth run on it is
    the difference from the run before the last. pycocotools itself leaves pixels undefined where a string is too short.
    """
    if not isinstance(counts, str):
        return counts
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        value -= (bits & 16) << (shift - 4)
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


def _is_row_of_numbers(values: Any) -> bool:
    try:
        row = np.asarray(values)
    except ValueError:  # lists of several lengths
        return False
    return row.ndim == 1 and row.dtype.kind in "iuf" and bool(np.isfinite(row).all())
