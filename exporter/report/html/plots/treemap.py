"""A treemap as one inline SVG: area is size, colour is growth; no script, no external font or style."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from exporter.data.facts.diff import SizeDiff
from exporter.data.results.sizes import CompareResult
from exporter.data.units import format_change, format_size
from exporter.report.renderer import View

WIDTH, HEIGHT = 960.0, 480.0
NARROW = 360.0, 560.0
"""Of the drawing for a phone's screen, on which letters of the wide one could not be read."""
# Below this share of the area a box is a speck; the smallest are drawn as one.
LEAST_SHARE = 0.002
_LETTER_WIDTH, _LINE_HEIGHT = 6.5, 14.0


class Box(NamedTuple):
    """One thing with a size now and before, in bytes; 0 for something that is not there."""

    name: str
    before: int
    after: int


def render(result: CompareResult, view: View) -> str:
    """The treemap of a comparison as a file."""
    return f"{diff_treemap(result.diffs)}\n"


def treemap(boxes: Sequence[Box], *, title: str, width: float = WIDTH, height: float = HEIGHT) -> str:
    """The larger of both sizes as area; red grew, green shrank, grey stayed. Each box has a tooltip with its figures.

    Args:
        boxes: what to draw; those of no size are left out.
        title: for screen readers and as the tooltip of the whole.
        width: of the drawing; letters are 11 high.
        height: likewise.

    Returns:
        An ``<svg>`` element, well-formed as XML too.
    """
    import squarify

    drawn = _merged(sorted((box for box in boxes if max(box.before, box.after) > 0), key=_area, reverse=True))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="100%" role="img" '
        f'font-family="system-ui, sans-serif" font-size="11"><title>{_text(title)}</title>'
    )
    if not drawn:
        return head + "</svg>"
    sizes = squarify.normalize_sizes([_area(box) for box in drawn], width, height)
    places = squarify.squarify(sizes, 0, 0, width, height)
    return head + "".join(_draw(box, place) for box, place in zip(drawn, places, strict=True)) + "</svg>"


def drawings(diffs: Sequence[SizeDiff]) -> tuple[str, str]:
    """The same treemap for a wide page and for a narrow one."""
    return diff_treemap(diffs), diff_treemap(diffs, *NARROW)


def diff_treemap(diffs: Sequence[SizeDiff], width: float = WIDTH, height: float = HEIGHT) -> str:
    """One inline SVG of all `diffs`: layers where they are known, files where not."""
    boxes = []
    for diff in diffs:
        changes = diff.groups.get("layer", diff.groups.get("file", ()))
        prefix = f"{diff.after.rpartition(':')[2]}: " if len(diffs) > 1 else ""
        boxes += [Box(f"{prefix}{change.name}", change.before, change.after) for change in changes]
    return treemap(
        boxes, title=f"Size by layer or file, {diffs[0].before} to {diffs[0].after}", width=width, height=height
    )


def _area(box: Box) -> int:
    return max(box.before, box.after)


def _merged(boxes: list[Box]) -> list[Box]:
    """`boxes`, the largest first, with the specks in one."""
    least = LEAST_SHARE * sum(map(_area, boxes))
    specks = [box for box in boxes if _area(box) < least]
    if len(specks) < 2:
        return boxes
    rest = Box(f"{len(specks)} smaller ones", sum(box.before for box in specks), sum(box.after for box in specks))
    return sorted([*(box for box in boxes if _area(box) >= least), rest], key=_area, reverse=True)


def _draw(box: Box, place: dict[str, float]) -> str:
    x, y, width, height = (place[key] for key in ("x", "y", "dx", "dy"))
    change = format_change(box.after - box.before, box.before) if box.after != box.before else "no change"
    figures = f"{format_size(box.after)}, {change}"
    shape = (
        f'<g><title>{_text(box.name)}: {figures}</title><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" fill="{_colour(box)}" stroke="#fff"/>'
    )
    letters = int((width - 8) / _LETTER_WIDTH)
    for number, line in enumerate([box.name, figures]):
        if letters >= 4 and height >= _LINE_HEIGHT * (number + 1) + 4:
            shown = line if len(line) <= letters else f"{line[: letters - 1]}…"
            below = y + _LINE_HEIGHT * (number + 1)
            shape += f'<text x="{x + 4:.1f}" y="{below:.1f}" fill="#111">{_text(shown)}</text>'
    return shape + "</g>"


def _colour(box: Box) -> str:
    """Grey without change; the more of the box is change, the stronger red (grew) or green (shrank)."""
    if box.before == box.after:
        return "#d9d9d9"
    share = min(1.0, abs(box.after - box.before) / _area(box))
    light = round(88 - 28 * share)
    return f"hsl({4 if box.after > box.before else 135} 65% {light}%)"


def _text(text: str) -> str:
    """Escaped, with control characters and lone surrogates shown as replacement characters."""
    return escape("".join(c if c.isprintable() else "\ufffd" for c in text))
