"""What reports draw: on the picture that the model was given, what is sure, in the colours of its classes."""

import base64
import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from exporter.datasets.truths import Boxes, Fit, Instances, Poses
from exporter.tasks.drawings import MOST_MARKS, drawing_of

NAMES = ("cat", "dog")


def test_boxes_lie_where_the_model_saw_them() -> None:
    """Boxes are in pixels of the file, the picture is the input: letterboxed files would be drawn beside themselves."""
    boxes = Boxes.of([[10, 20, 30, 40]], [1], [0.9])
    drawing = drawing_of(boxes, Fit(100, 50, 2.0, 2.0, 0.0, 50.0), NAMES, {})
    assert drawing is not None
    (mark,) = drawing.marks
    assert (mark.corners, mark.name, mark.score) == ((20.0, 90.0, 60.0, 130.0), "dog", 0.9)


def test_what_is_unsure_is_left_out_and_the_best_come_first() -> None:
    scores = [0.1, 0.5, 0.9]
    drawing = drawing_of(Boxes.of([[0, 0, 1, 1]] * 3, [0, 1, 7], scores), None, NAMES, {})
    assert drawing is not None
    assert [mark.name for mark in drawing.marks] == ["7", "dog"]
    many = drawing_of(Boxes.of([[0, 0, 1, 1]] * 99, [0] * 99, [0.9] * 99), None, NAMES, {})
    assert many is not None
    assert len(many.marks) == MOST_MARKS


def test_labels_have_no_scores() -> None:
    drawing = drawing_of(Boxes.of([[0, 0, 1, 1]], [0]), None, NAMES, {})
    assert drawing is not None
    assert drawing.marks[0].score is None


def test_outlined_objects_and_poses_are_boxes_with_their_points() -> None:
    boxes = Boxes.of([[0, 0, 4, 4], [1, 1, 2, 2]], [0, 0], [0.4, 0.8])
    outlined = drawing_of(Instances(boxes, np.zeros((2, 4, 4), bool)), None, NAMES, {})
    assert outlined is not None
    assert len(outlined.marks) == 2
    points = np.array([[[0, 0], [1, 1]], [[2, 2], [3, 3]]], np.float32)
    posed = drawing_of(Poses(boxes, points, np.array([[2, 2], [2, 0]])), None, NAMES, {})
    assert posed is not None
    assert [mark.points for mark in posed.marks] == [((2.0, 2.0),), ((0.0, 0.0), (1.0, 1.0))]


def test_class_maps_are_colours_and_the_ground_is_clear() -> None:
    pictures: dict[str, str] = {}
    drawing = drawing_of(np.array([[0, 1], [2, 1]]), None, NAMES, pictures)
    assert drawing is not None
    assert list(pictures) == [drawing.classes]
    content = base64.b64decode(pictures[drawing.classes])
    assert drawing.classes == f"{hashlib.sha256(content).hexdigest()}.png"
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))
    assert pixels[0, 0, 3] == 0
    assert len({tuple(pixel[:3]) for pixel in pixels.reshape(-1, 4)[1:].tolist()}) == 2


@pytest.mark.parametrize("found", [3, "a text", np.zeros((2, 2), np.float32), np.zeros(3, np.int64)], ids=repr)
def test_what_has_no_picture_is_not_drawn(found: object) -> None:
    assert drawing_of(found, None, NAMES, {}) is None
