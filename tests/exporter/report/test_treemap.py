"""The treemap is well-formed, complete and safe to put into a page."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.report.html.plots.treemap import HEIGHT, WIDTH, Box, treemap
from tests.exporter.report.samples import texts

SVG = "{http://www.w3.org/2000/svg}"
sizes = st.integers(0, 10**12)


@given(st.lists(st.builds(Box, texts, sizes, sizes), max_size=40), texts)
def test_is_well_formed_and_fills_the_area(boxes: list[Box], title: str) -> None:
    """It is embedded into HTML as it is: no name may add an element, and the areas must show the shares."""
    root = ET.fromstring(treemap(boxes, title=title))
    assert {child.tag for child in root.iter()} <= {f"{SVG}{name}" for name in ("svg", "title", "g", "rect", "text")}
    areas = [float(rect.get("width", "")) * float(rect.get("height", "")) for rect in root.iter(f"{SVG}rect")]
    if any(max(box.before, box.after) for box in boxes):
        assert sum(areas) == pytest.approx(WIDTH * HEIGHT, rel=0.02)
    else:
        assert not areas


def test_colour_tells_growth_from_shrinking() -> None:
    """Red grew, green shrank, grey stayed."""
    fills = [
        ET.fromstring(treemap([Box("x", before, after)], title="t")).find(f".//{SVG}rect")
        for before, after in ((1, 2), (2, 1), (1, 1))
    ]
    hues = [rect.get("fill", "") if rect is not None else "" for rect in fills]
    assert hues[0].startswith("hsl(4")
    assert hues[1].startswith("hsl(135")
    assert hues[2] == "#d9d9d9"


def test_specks_are_drawn_as_one() -> None:
    """Ten thousand layers must not make ten thousand boxes that nobody can see."""
    boxes = [Box("big", 10**9, 10**9), *(Box(f"layer {number}", 1, 2) for number in range(10_000))]
    root = ET.fromstring(treemap(boxes, title="t"))
    assert len(list(root.iter(f"{SVG}rect"))) == 2
    assert "10000 smaller ones" in "".join(root.itertext())
