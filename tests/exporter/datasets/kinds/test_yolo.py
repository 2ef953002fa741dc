"""YOLO text files: shares become pixels, and each mistake is named by its file and line."""

from pathlib import Path

import numpy as np
import pytest

from exporter.data.errors import UsageProblem
from tests.exporter.datasets.kinds.made import (
    HEIGHT,
    WIDTH,
    opened,
    write_images,
    yolo,
    yolo_lines,
    yolo_outlines,
    yolo_points,
)


def test_boxes_are_in_pixels_of_the_file(tmp_path: Path) -> None:
    data = opened(yolo(tmp_path), "boxes")
    assert data.class_names == ("cat", "dog")
    assert data.truths is not None
    boxes = data.truths(0)
    np.testing.assert_allclose(boxes.corners[1], [0, 0, WIDTH / 2, HEIGHT / 2], atol=1e-5)
    np.testing.assert_array_equal(boxes.classes, [0, 1])
    assert data.truths(2).corners.shape == (0, 4)  # no file says that nothing is there


def test_outlines_are_masks_or_boxes_around_them(tmp_path: Path) -> None:
    given = yolo_outlines(tmp_path)
    data = opened(given, "instances")
    assert data.truths is not None
    assert data.truths(1).masks.all()
    assert data.truths(2).masks.shape == (0, HEIGHT, WIDTH)
    boxes = opened(given, "boxes")
    assert boxes.truths is not None
    np.testing.assert_allclose(boxes.truths(1).corners, [[0, 0, WIDTH, HEIGHT]])


def test_points_are_in_pixels_with_what_is_seen(tmp_path: Path) -> None:
    data = opened(yolo_points(tmp_path), "poses")
    assert data.truths is not None
    poses = data.truths(0)
    assert poses.points[0].tolist() == [pytest.approx([0.4 * WIDTH, 0.5 * HEIGHT]), [0, 0]]
    np.testing.assert_array_equal(poses.visible[0], [2, 0])


def test_a_folder_is_taken_whole_and_needs_no_yaml(tmp_path: Path) -> None:
    yolo(tmp_path)
    (tmp_path / "data.yaml").unlink()
    data = opened(tmp_path, "boxes")
    assert data.size == 3
    assert data.class_names == ()
    assert opened(tmp_path, "boxes", names=("a", "b")).class_names == ("a", "b")


def test_a_split_beside_the_yaml_is_found(tmp_path: Path) -> None:
    """As exports of labelling programs have it: valid/images, named as ../valid/images."""
    yolo_lines(tmp_path / "valid", ("0 0.5 0.5 1 1\n",))
    (tmp_path / "data.yaml").write_text("names: [cat]\nval: ../valid/images\n")
    assert opened(tmp_path / "data.yaml", "boxes").size == 3
    assert opened(tmp_path, "boxes").class_names == ("cat",)


def test_a_split_is_a_list_of_images_too(tmp_path: Path) -> None:
    given = yolo(tmp_path)
    (tmp_path / "data.yaml").write_text("names: [cat, dog]\nval: val.txt\n")
    (tmp_path / "val.txt").write_text("./images/val/1.png\n\n./images/val/0.png\n")
    data = opened(given, "boxes")
    assert [path.name for path in data.paths] == ["1.png", "0.png"]
    assert data.truths is not None
    assert len(data.truths(1).classes) == 2
    (tmp_path / "val.txt").write_text("./images/val/1.png\n./images/val/7.png\n")
    with pytest.raises(UsageProblem, match=r"val\.txt, line 2: there is no image"):
        opened(given, "boxes")


def test_a_class_without_examples_is_a_note(tmp_path: Path) -> None:
    (note,) = opened(yolo_lines(tmp_path, ("0 0.5 0.5 1 1",)), "boxes").notes
    assert "1 of 2 classes (dog)" in note


@pytest.mark.parametrize(
    ("truth", "lines", "says"),
    [
        ("boxes", "0 0.5 0.5 1 1\n2 0.5 0.5 1 1", r"0\.txt, line 2: class 2, and there are 2 names"),
        ("boxes", "-1 0.5 0.5 1 1", "class -1"),
        ("boxes", "cat 0.5 0.5 1 1", "class 'cat' is no whole number"),
        ("boxes", "0 0.5 0.5 1", "3 numbers after the class, not 4 or an outline"),
        ("boxes", "0 0.5 x 1 1", "'x' is no number"),
        ("boxes", "0 0.5 nan 1 1", "nan is no coordinate"),
        ("boxes", "0 0.9 0.5 0.4 1", "a box outside of the image, from 0.7, 0 to 1.1, 1"),
        ("boxes", "0 12 9 8 6", "coordinates are shares"),
        ("boxes", "0 0.5 0.5 0 1", "both are above 0"),
        ("boxes", "", "none of 3 images has an annotation"),
        ("instances", "0 0.5 0.5 1 1", "a box, where an outline"),
        ("instances", "0 0 0 2 0 1 1", "an outline outside"),
        ("instances", "0 0 0 1 0 1 1 1", "7 numbers"),
        ("poses", "0 0.5 0.5 1 1", "says no kpt_shape"),
    ],
)
def test_mistakes_are_named_by_their_line(truth: str, lines: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=says):
        opened(yolo_lines(tmp_path, (lines,)), truth)


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("names: 3\n", "neither a list nor numbered"),
        ("names: {0: a, 2: b}\n", "neither a list nor numbered"),
        ("kpt_shape: [3]\n", "kpt_shape is"),
        ("names: [a\n", r"data\.yaml, line 4"),
        ("names: !!python/object/apply:os.getcwd []\n", r"data\.yaml, line 3"),
    ],
)
def test_mistakes_of_the_yaml_are_named(yaml: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=says):
        opened(yolo_lines(tmp_path, ("0 0.5 0.5 1 1",), yaml=yaml), "poses")


@pytest.mark.parametrize(
    ("text", "says"), [("- a\n", "has no keys"), ("names: [a]\n", "says no val"), ("val: [a, b]\n", "val: there is no")]
)
def test_a_yaml_that_leads_nowhere(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(UsageProblem, match=says):
        opened(tmp_path / "data.yaml", "boxes")


def test_points_without_visibility_and_outside(tmp_path: Path) -> None:
    yaml = "names: [a]\nkpt_shape: [1, 2]\n"
    data = opened(yolo_lines(tmp_path, ("0 0.5 0.5 1 1 0.5 0.5\n0 0.5 0.5 1 1 0 0",), yaml=yaml), "poses")
    assert data.truths is not None
    np.testing.assert_array_equal(data.truths(0).visible, [[2], [0]])
    with pytest.raises(UsageProblem, match="a point outside"):
        opened(yolo_lines(tmp_path, ("0 0.5 0.5 1 1 1.5 0.5",), yaml=yaml), "poses")


def test_a_folder_of_labels_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    with pytest.raises(UsageProblem, match="has no images"):
        opened(tmp_path, "boxes")
    write_images(tmp_path / "images")
    with pytest.raises(UsageProblem, match="none of 3 images"):
        opened(tmp_path, "boxes")
