"""COCO files: what is on an image comes out as it was said, and each mistake is named by its place."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from exporter.data.errors import UsageProblem
from tests.exporter.datasets.kinds.made import HEIGHT, WIDTH, coco, opened


def test_boxes_are_corners_and_categories_count_by_id(tmp_path: Path) -> None:
    data = opened(coco(tmp_path), "boxes")
    assert data.class_names == ("cat", "dog")
    assert data.truths is not None
    first = data.truths(0)
    np.testing.assert_array_equal(first.corners, [[2, 2, 10, 8], [2, 2, 10, 8]])
    np.testing.assert_array_equal(first.classes, [1, 0])
    np.testing.assert_array_equal(first.crowd, [False, True])
    np.testing.assert_array_equal(first.areas, [40, 40])
    assert data.truths(2).corners.shape == (0, 4)


def test_outlines_become_masks_of_the_file(tmp_path: Path) -> None:
    data = opened(coco(tmp_path), "instances")
    assert data.truths is not None
    masks = data.truths(0).masks
    assert masks.shape == (2, HEIGHT, WIDTH)
    assert masks[0].sum() == 8 * 6
    assert masks[0][2:8, 2:10].all()
    assert list(np.flatnonzero(masks[1].T)) == [5, 6, 7]  # codes run down the columns
    assert data.truths(2).masks.shape == (0, HEIGHT, WIDTH)


def test_points_are_those_of_the_category(tmp_path: Path) -> None:
    data = opened(coco(tmp_path), "poses")
    assert data.truths is not None
    poses = data.truths(0)
    np.testing.assert_array_equal(poses.points[0], [[3, 3], [5, 5], [0, 0]])
    np.testing.assert_array_equal(poses.visible[0], [2, 1, 0])
    assert data.truths(2).points.shape == (0, 3, 2)


def test_classes_are_the_model_s_where_it_has_their_names(tmp_path: Path) -> None:
    given = coco(tmp_path)
    data = opened(given, "boxes", names=("dog", "bird", "cat"))
    assert data.truths is not None
    np.testing.assert_array_equal(data.truths(0).classes, [0, 2])
    assert data.class_names == ("dog", "bird", "cat")
    with pytest.raises(UsageProblem, match="categories cat are no classes of the model"):
        opened(given, "boxes", names=("dog", "bird"))
    with pytest.raises(UsageProblem, match="has 2 classes; the model has 1"):
        opened(given, "boxes", names=("bird",))
    assert opened(given, None, names=("bird",)).size == 3  # it calibrates any model


def test_images_lie_where_coco_has_them(tmp_path: Path) -> None:
    for name in ("val2017", "annotations"):
        (tmp_path / name).mkdir()
    made = coco(tmp_path / "val2017")
    moved = tmp_path / "annotations" / "instances_val2017.json"
    Path(made).rename(moved)
    assert opened(moved, "boxes").size == 3


def test_a_class_without_examples_is_a_note(tmp_path: Path) -> None:
    categories = [{"id": 9, "name": "dog"}, {"id": 4, "name": "cat"}, {"id": 12, "name": "yak"}]
    (note,) = opened(coco(tmp_path, categories=categories), "boxes").notes
    assert "1 of 3 classes (yak)" in note


def annotation(**change: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "image_id": 7,
        "category_id": 9,
        "bbox": [1, 1, 4, 4],
        "segmentation": [[1, 1, 4, 1, 4, 4]],
    } | change


@pytest.mark.parametrize(
    ("truth", "change", "says"),
    [
        ("boxes", {"images": None}, "there is no images"),
        ("boxes", {"images": []}, "has no images"),
        ("boxes", {"annotations": []}, "none of 3 images has an annotation"),
        ("boxes", {"annotations": [annotation(image_id=99)]}, r"annotations\[0\]: there is no image 99"),
        ("boxes", {"annotations": [annotation(category_id=5)]}, r"annotations\[0\]: there is no category 5"),
        ("boxes", {"annotations": [annotation(category_id=True)]}, "category_id is True"),
        ("boxes", {"annotations": [annotation(bbox=[1, 1, 0, 4])]}, "of a size above 0"),
        ("boxes", {"annotations": [annotation(bbox=[1, 1, "4", 4])]}, "of a size above 0"),
        ("boxes", {"annotations": [annotation(bbox=[20, 1, 9, 4])]}, "outside of image 7, which is 24x18"),
        ("boxes", {"annotations": [3]}, r"annotations\[0\]: image_id is None"),
        ("boxes", {"categories": [{"id": 9}, {"id": 9}]}, "two categories have the id 9"),
        ("boxes", {"images": [{"id": 7, "file_name": "0.png"}] * 2}, "two images have the same id"),
        ("boxes", {"images": [{"id": 7, "file_name": "no.png"}], "annotations": [annotation()]}, "image 'no.png'"),
        ("instances", {"annotations": [annotation(segmentation=None)]}, "neither a list of polygons"),
        ("instances", {"annotations": [annotation(segmentation=[[1, 1, 4, 1]])]}, "three points"),
        ("instances", {"annotations": [annotation(segmentation=[[1, 1, "4", 1, 4, 4]])]}, "three points"),
        ("instances", {"annotations": [annotation(segmentation=[[1, [1], 4, 1, 4, 4]])]}, "three points"),
        ("instances", {"annotations": [annotation(segmentation=[[1, 1, math.nan, 1, 4, 4]])]}, "three points"),
        ("instances", {"annotations": [annotation(segmentation=[[1, 1, 40, 1, 4, 4]])]}, "outside of the image"),
        (
            "instances",
            {"annotations": [annotation(segmentation={"size": [9, 9], "counts": [81]})]},
            "is of 9x9 pixels",
        ),
        (
            "instances",
            {"annotations": [annotation(segmentation={"size": [HEIGHT, WIDTH], "counts": "1"})]},
            "has counts of 1 pixels, not 432",
        ),
        ("poses", {"annotations": [annotation()]}, "keypoints are not 3 times"),
        ("poses", {"annotations": [annotation(keypoints=[1, 1, 7] * 3)]}, "visibilities"),
        ("poses", {"annotations": [annotation(keypoints=[99, 1, 2] * 3)]}, "keypoints lie outside"),
        ("poses", {"categories": [{"id": 9, "name": "a"}, {"id": 4, "name": "b"}]}, "no category names its keypoints"),
    ],
)
def test_mistakes_are_named_by_their_place(truth: str, change: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=says):
        opened(coco(tmp_path, **change), truth)


@pytest.mark.parametrize(("text", "says"), [('{"images": [\n3,,\n]}', "line 2"), ("[]", "there is no images")])
def test_damaged_json_is_named_by_its_line(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UsageProblem, match=says):
        opened(tmp_path / "x.json", "boxes")


def test_annotations_of_another_size_than_the_file_are_refused(tmp_path: Path) -> None:
    """Boxes of a picture that was turned or resized after it was annotated would lie anywhere."""
    given = coco(tmp_path)
    Image.new("RGB", (HEIGHT, WIDTH)).save(tmp_path / "0.png")
    data = opened(given, "boxes")
    assert data.truths is not None
    with pytest.raises(UsageProblem, match=r"images\[0\]: 0\.png is 24x18 in the annotations.*is 18x24"):
        data.truths(0)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.floats(-5, 30), st.floats(-5, 25), st.floats(-1, 30), st.floats(-1, 25))
def test_a_box_is_taken_when_it_lies_on_the_image_and_only_then(
    tmp_path: Path, left: float, top: float, width: float, height: float
) -> None:
    given = coco(tmp_path, annotations=[annotation(bbox=[left, top, width, height])])
    inside = left >= -1 and top >= -1 and left + width <= WIDTH + 1 and top + height <= HEIGHT + 1
    if width > 0 and height > 0 and inside:
        data = opened(given, "boxes")
        assert data.truths is not None
        corners = data.truths(0).corners[0]
        np.testing.assert_allclose(corners, [left, top, left + width, top + height], rtol=1e-5, atol=1e-5)
    else:
        with pytest.raises(UsageProblem, match=r"annotations\[0\]"):
            opened(given, "boxes")


def test_deep_nesting_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[" * 200_000)
    with pytest.raises(UsageProblem, match="nested too deeply"):
        opened(tmp_path / "x.json", "boxes")
