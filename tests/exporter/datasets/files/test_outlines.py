"""Run-length codes of COCO, which this program reads itself, are what pycocotools writes."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coder

from exporter.datasets.files.outlines import mask_of, outline_problem

masks = arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 30)))


@given(masks)
def test_packed_codes_are_pycocotools_own(mask: Any) -> None:
    code = coder.encode(np.asfortranarray(mask, np.uint8))
    outline = {"size": list(mask.shape), "counts": code["counts"].decode()}
    assert outline_problem(outline, *mask.shape) == ""
    np.testing.assert_array_equal(mask_of(outline, *mask.shape), mask)


@given(masks, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=6))
def test_packed_codes_of_other_pixels_are_refused(mask: Any, counts: str) -> None:
    """pycocotools leaves pixels of such a code as the memory had them."""
    outline = {"size": list(mask.shape), "counts": counts}
    if outline_problem(outline, *mask.shape) == "":
        assert mask_of(outline, *mask.shape).shape == mask.shape


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 15)), min_size=3, max_size=8))
def test_polygons_are_drawn_as_pycocotools_draws_them(points: Any) -> None:
    flat = [value for point in points for value in point]
    assert outline_problem([flat], 15, 20) == ""
    drawn = coder.decode(coder.frPyObjects([flat], 15, 20))[..., 0]
    np.testing.assert_array_equal(mask_of([flat], 15, 20), drawn.astype(bool))
