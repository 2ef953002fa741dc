"""Pascal VOC: pixels count from 1 there, and each mistake is named by its file and line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from tests.exporter.datasets.kinds.made import HEIGHT, VOC, WIDTH, opened, voc

BOX = "<xmin>1</xmin><ymin>1</ymin><xmax>12</xmax><ymax>9</ymax>"


def test_the_first_pixel_is_1_and_the_last_belongs_to_the_box(tmp_path: Path) -> None:
    data = opened(voc(tmp_path), "boxes")
    assert data.class_names == ("cat", "dog")
    assert data.truths is not None
    np.testing.assert_array_equal(data.truths(0).corners, [[0, 0, 12, 9]])
    np.testing.assert_array_equal(data.truths(1).classes, [1])
    np.testing.assert_array_equal(data.truths(2).crowd, [True])  # difficult: found or not, it does not count


def test_classes_are_the_model_s_where_it_has_their_names(tmp_path: Path) -> None:
    data = opened(voc(tmp_path), "boxes", names=("bird", "dog", "cat"))
    assert data.truths is not None
    np.testing.assert_array_equal(data.truths(0).classes, [2])


def changed(folder: Path, old: str, new: str) -> str:
    given = voc(folder)
    path = folder / "Annotations" / "1.xml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return given


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("</bndbox>", "", r"1\.xml, line 8: mismatched tag"),
        ("<annotation>", '<!DOCTYPE a [<!ENTITY b "c">]><annotation>', "line 1: a document type is not read"),
        ("annotation>", "other>", "line 1: <other>, where <annotation> is needed"),
        ("1.png</filename>", "no.png</filename>", r"never: there is no image"),
        (BOX, "<xmin>1</xmin><xmax>2</xmax><ymax>2</ymax>", "line 7: <bndbox> has no number as <ymin>"),
        ("<xmax>12", "<xmax>twelve", "line 7: <bndbox> has no number as <xmax>"),
        ("<xmax>12", "<xmax>nan", "no number as <xmax>"),
        ("<xmax>12", "<xmax>26", "line 7: the box from 1, 1 to 26, 9 lies outside of the image, which is 24x18"),
        ("<xmin>1", "<xmin>20", "line 7: a box from 20, 1 to 12, 9"),
        ("<name>dog</name>", "<name> </name>", "line 4: an object has no name"),
        ("bndbox", "polygon", "line 4: an object has no bndbox"),
        ("<width>24</width>", "", "line 3: <size> has no number as <width>"),
    ],
)
def test_mistakes_are_named_by_their_line(old: str, new: str, says: str, tmp_path: Path) -> None:
    if says.startswith("never"):
        given = changed(tmp_path, old, new)
        assert opened(given, "boxes").size == 3  # the file of the annotation's own name is taken
        (tmp_path / "JPEGImages" / "1.png").unlink()
        with pytest.raises(UsageProblem, match=r"1\.xml, line 2: there is no image"):
            opened(given, "boxes")
        return
    with pytest.raises(UsageProblem, match=says):
        opened(changed(tmp_path, old, new), "boxes")


def test_images_without_any_object_are_no_data(tmp_path: Path) -> None:
    given = voc(tmp_path)
    for path in (tmp_path / "Annotations").iterdir():
        path.write_text("<annotation><filename>0.png</filename></annotation>")
    with pytest.raises(UsageProblem, match="none of 3 images has an annotation"):
        opened(given, "boxes")
    for path in (tmp_path / "Annotations").iterdir():
        path.unlink()
    with pytest.raises(UsageProblem, match=r"has no \.xml files"):
        opened(given, "boxes")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(-3, 28), st.integers(-3, 28), st.integers(-3, 28), st.integers(-3, 28))
def test_a_box_is_taken_when_it_lies_on_the_image_and_only_then(
    tmp_path: Path, left: int, top: int, right: int, bottom: int
) -> None:
    given = voc(tmp_path)
    box = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
    text = VOC.format(name="0.png", cat="cat", difficult=0, right=12).replace(BOX, box)
    (tmp_path / "Annotations" / "0.xml").write_text(text)
    if 0 <= left <= right <= WIDTH + 1 and 0 <= top <= bottom <= HEIGHT + 1:
        data = opened(given, "boxes")
        assert data.truths is not None
        np.testing.assert_array_equal(data.truths(0).corners, [[left - 1, top - 1, right, bottom]])
    else:
        with pytest.raises(UsageProblem, match=r"0\.xml, line 7"):
            opened(given, "boxes")
