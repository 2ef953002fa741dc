"""A line of YOLO is read back as it was written, or refused with what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.datasets.files.yolo_lines import parse_line

shares = st.floats(0, 1)


@given(st.integers(0, 9), shares, shares, st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_box_that_lies_on_the_image_is_read(place: int, x: float, y: float, width: float, height: float) -> None:
    x, y = width / 2 + x * (1 - width), height / 2 + y * (1 - height)
    found = parse_line(f"{place} {x!r} {y!r} {width!r} {height!r}", 10, None)
    assert found.place == place
    assert found.box == pytest.approx((x - width / 2, y - height / 2, x + width / 2, y + height / 2))


@given(st.lists(st.tuples(shares, shares), min_size=3, max_size=12))
def test_an_outline_has_the_box_around_it(points: list[tuple[float, float]]) -> None:
    found = parse_line("0 " + " ".join(f"{value!r}" for point in points for value in point), 0, None, outlined=True)
    xs, ys = zip(*points, strict=True)
    assert found.box == (min(xs), min(ys), max(xs), max(ys))
    assert len(found.outline) == 2 * len(points)


@given(st.text(st.characters(codec="ascii"), min_size=1).filter(lambda text: text.strip() != ""))
def test_whatever_stands_there_is_an_object_or_refused(line: str) -> None:
    try:
        found = parse_line(line, 3, None)
    except ValueError:
        return  # nothing else than a ValueError may come of it
    assert 0 <= found.place < 3
    assert -0.01 < min(found.box) <= max(found.box) < 1.01
