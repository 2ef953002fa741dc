"""What models give, read: protects from figures of points, masks and words that the model did not mean."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.data.errors import UsageProblem
from exporter.datasets.truths import Fit, Poses
from exporter.tasks.registry import settings_type, task_named
from exporter.tasks.task import Reader
from tests.exporter.tasks.cases import VOCABULARY, posed
from tests.exporter.tasks.made import described, one_hot
from tests.exporter.tasks.test_published import tallied


def reader(table: dict[str, Any], outputs: dict[str, Any], image: Any = None, labels: Any = ()) -> Reader:
    task = task_named(table["kind"])
    settings = settings_type(table["kind"]).model_validate(table)
    return task.reader(settings, described({name: np.shape(value) for name, value in outputs.items()}, image, labels))


def read(table: dict[str, Any], outputs: dict[str, Any], image: Any = None, fit: Fit | None = None) -> Any:
    """The prediction of the one example."""
    (found,) = reader(table, outputs, image)(list(outputs.values()), [fit])
    return found


def test_a_heatmap_gives_a_quarter_of_a_pixel_towards_the_higher_neighbour() -> None:
    """SimpleBaseline's ``get_final_preds``: the highest place is (4, 3) of 12 x 12, and the input 48 wide."""
    heat = np.zeros((1, 1, 12, 12), np.float32)
    heat[0, 0, 3, 3:6] = 0.2, 0.9, 0.3
    heat[0, 0, 2, 4], heat[0, 0, 4, 4] = 0.5, 0.4
    found = read({"kind": "keypoints", "sigmas": [0.1]}, {"heat": heat}, (48, 48))
    np.testing.assert_allclose(found.points, [[[4 * 4.25, 4 * 2.75]]])


def test_points_are_in_pixels_of_the_file() -> None:
    fit = Fit(100, 50, 0.5, 0.5, 0, 12)
    table = {"kind": "keypoints", "head": "coordinates", "normalized": True, "order": "yx", "sigmas": [0.1, 0.1]}
    points = np.array([[[[0.5, 0.25, 0.8], [1.0, 0.5, 0.4]]]], np.float32)
    found = read(table, {"points": points}, (48, 48), fit)
    np.testing.assert_allclose(found.points, [[[24, 24], [48, 72]]])
    assert found.boxes.scores == pytest.approx(0.6)


def test_poses_of_yolo_keep_their_boxes_and_points_together() -> None:
    """Two anchors in ultralytics' order: box, score, then x, y and visibility of each point."""
    rows = [[10, 10, 8, 8, 0.2, 1, 2, 0.9, 3, 4, 0.9], [30, 30, 10, 20, 0.7, 31, 32, 0.9, 33, 34, 0.1]]
    table = {"kind": "keypoints", "head": "yolo", "points": 2, "sigmas": [0.1, 0.1], "iou_threshold": 0.5}
    found = read(table, {"head": np.array(rows, np.float32).T[None]}, (48, 48))
    np.testing.assert_allclose(found.points, [[[31, 32], [33, 34]], [[1, 2], [3, 4]]])
    np.testing.assert_allclose(found.boxes.corners[0], [25, 20, 35, 40])
    assert found.boxes.scores.tolist() == pytest.approx([0.7, 0.2])


def test_similarity_of_poses_is_cocos() -> None:
    """exp(-d^2 / (2 s^2 k^2)) with k = 2 sigma and s^2 the area (cocodataset.org, "keypoints-eval"): 0.5 and less."""
    wanted = posed(np.array([[[10, 10], [30, 30]]], np.float32))[0]
    table = {"kind": "keypoints", "sigmas": [0.1, 0.1]}

    def precision(off: float) -> float:
        moved = Poses(wanted.boxes, wanted.points + np.array([off, 0], np.float32), wanted.visible)
        return tallied(table, [(moved, wanted)]).values["oks_map50"]

    at_half = np.sqrt(-2 * np.log(0.5) * 400 * 0.2**2)
    assert precision(float(0.99 * at_half)) == pytest.approx(1)
    assert precision(float(1.01 * at_half)) == 0


def test_right_points_are_of_the_nearest_pose_and_of_labelled_points_alone() -> None:
    """PCK at 0.2 of a box with the longer side 20: up to 4 pixels."""
    points = np.array([[[10, 10], [30, 30], [20, 20]]], np.float32)
    truth = posed(points)[0]
    truth = Poses(truth.boxes, truth.points, np.array([[2, 1, 0]]))
    found = posed(points + np.array([[3.9, 0], [4.1, 0], [0, 0]], np.float32))[0]
    far = posed(points + 100)[0]
    both = Poses(found.boxes, np.concatenate([far.points, found.points]), np.full((2, 3), 2))
    both = Poses(type(truth.boxes).of([[0, 0, 9, 9]] * 2, [0, 0]), both.points, both.visible)
    figures = tallied({"kind": "keypoints", "sigmas": [0.1] * 3}, [(both, truth)])
    assert figures.values["pck"] == 0.5


def test_masks_of_yolo_are_mixed_of_prototypes_inside_their_boxes() -> None:
    """Two prototypes, left and right half; boxes are in pixels of the input, of which prototypes have a quarter."""
    prototypes = np.full((1, 2, 8, 8), -4, np.float32)
    prototypes[0, 0, :, :4], prototypes[0, 1, :, 4:] = 4, 4
    rows = [[16, 16, 24, 8, 0.9, 1, 0], [16, 16, 24, 24, 0.8, 0, 1]]
    outputs = {"head": np.array(rows, np.float32).T[None], "prototypes": prototypes}
    found = read({"kind": "instance_segmentation", "head": "yolo"}, outputs, (32, 32))
    assert found.boxes.scores.tolist() == pytest.approx([0.9, 0.8])
    expected = np.zeros((2, 32, 32), bool)
    expected[0, 12:20, 4:16], expected[1, 4:28, 16:28] = True, True
    np.testing.assert_array_equal(found.masks, expected)


def test_masks_are_in_pixels_of_the_file() -> None:
    """A letterboxed file of 64 x 32: bars of 8 pixels above and below, which no mask of the file has."""
    masks = np.zeros((1, 1, 32, 32), np.float32)
    masks[0, 0, :, :16] = 1
    outputs = {
        "boxes": np.array([[[0, 0, 16, 32]]], np.float32),
        "scores": np.full((1, 1), 0.9, np.float32),
        "classes": np.zeros((1, 1), np.float32),
        "masks": masks,
    }
    found = read({"kind": "instance_segmentation"}, outputs, (32, 32), Fit(64, 32, 0.5, 0.5, 0, 8))
    assert found.masks.shape == (1, 32, 64)
    assert found.masks[0, :, :32].all()
    assert not found.masks[0, :, 32:].any()


def test_scores_of_fewer_pixels_than_the_input_are_enlarged() -> None:
    scores = np.zeros((1, 2, 4, 4), np.float32)
    scores[0, 1, :, 2:] = 1
    scores[0, 0, :, :2] = 1
    found = read({"kind": "segmentation"}, {"scores": scores}, (16, 16))
    assert found.shape == (16, 16)
    assert found[:, 8:].all()
    assert not found[:, :8].any()


def test_repetitions_and_blanks_are_left_out() -> None:
    """Graves et al. 2006: B(aa-ab-) = aab, with | between words."""
    ids = np.array([[2, 2, 0, 2, 3, 0, 1, 4]])
    assert read({"kind": "speech", "vocabulary": str(VOCABULARY)}, {"scores": one_hot(ids, 6)}) == "aab c"


def test_a_tokenizers_file_reads_ids(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = {"[PAD]": 0, "hello": 1, "world": 2}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[PAD]"))
    tokenizer.add_special_tokens(["[PAD]"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    table = {"kind": "speech", "decoding": "ids", "tokenizer": str(tmp_path / "tokenizer.json")}
    assert read(table, {"ids": np.array([[1, 2, 0, 0]])}) == "hello world"


def test_a_vocabulary_in_json_is_in_the_order_of_its_ids(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text('{"b": 1, "<pad>": 0, "a": 2, "|": 3}')
    table = {"kind": "speech", "vocabulary": str(tmp_path / "vocab.json")}
    assert read(table, {"scores": one_hot(np.array([[2, 1, 3, 1]]), 4)}) == "ab b"


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "is no JSON"), ('{"a": 1}', "ids, from 0 without gaps"), ("[]", "is no object of tokens")],
)
def test_a_vocabulary_that_is_none_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "vocab.json").write_text(content)
    with pytest.raises(UsageProblem, match=said):
        reader({"kind": "speech", "vocabulary": str(tmp_path / "vocab.json")}, {"scores": np.zeros((1, 5, 1))})


def test_speech_without_a_vocabulary_is_refused() -> None:
    with pytest.raises(UsageProblem, match="give one of vocabulary"):
        reader({"kind": "speech"}, {"scores": np.zeros((1, 5, 6))})


@pytest.mark.parametrize("name", ["missing.json", "missing.txt"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    key = "tokenizer" if name.endswith("json") else "vocabulary"
    with pytest.raises(UsageProblem, match=name):
        reader({"kind": "speech", key: str(tmp_path / name)}, {"scores": np.zeros((1, 5, 6))})


@pytest.mark.parametrize(
    ("table", "outputs", "said"),
    [
        ({"kind": "classification"}, {"scores": np.zeros((1, 5))}, r"\[1, 5\].* 5 classes.* 2 class names"),
        ({"kind": "segmentation"}, {"scores": np.zeros((1, 5, 8, 8))}, r"5 classes.* 2 class names"),
        ({"kind": "text"}, {"scores": np.zeros((1, 5))}, r"5 classes.* 2 class names"),
    ],
)
def test_other_numbers_of_classes_than_names_are_refused(table: Any, outputs: Any, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        reader(table, outputs, labels=("cat", "dog"))


def test_points_without_sigmas_are_refused() -> None:
    with pytest.raises(UsageProblem, match=r"5 points, and there are no sigmas.* Give sigmas"):
        reader({"kind": "keypoints"}, {"heat": np.zeros((1, 5, 12, 12))}, (48, 48))


@pytest.mark.parametrize("kind", ["detection", "instance_segmentation", "keypoints"])
def test_a_model_without_images_is_refused(kind: str) -> None:
    with pytest.raises(UsageProblem, match=f"{kind} needs an image input"):
        reader({"kind": kind}, {"out": np.zeros((1, 5))})


@pytest.mark.parametrize(
    ("kind", "label", "said"),
    [
        ("segmentation", np.zeros((4, 4), np.int64), r"scores are of \[8, 8\].* labels of \[4, 4\]"),
        ("super_resolution", np.zeros((4, 4, 3)), r"output is \[8, 8, 3\] and the labels are \[4, 4, 3\]"),
    ],
)
def test_labels_of_another_size_are_refused(kind: str, label: Any, said: str) -> None:
    found = read({"kind": kind}, {"out": np.zeros((1, 3, 8, 8), np.float32)})
    with pytest.raises(UsageProblem, match=said):
        tallied({"kind": kind}, [(found, label)])


def test_tokens_of_another_vocabulary_are_refused() -> None:
    found = read({"kind": "text", "scores": "next"}, {"out": np.zeros((1, 4, 6), np.float32)})
    with pytest.raises(UsageProblem, match=r"label 9 is none of the output's 6 classes"):
        tallied({"kind": "text", "scores": "next"}, [(found, [1, 2, 9, 3])])


def test_a_broken_artifact_is_never_right() -> None:
    """NaN outputs name no class, also where the source has none."""
    broken = np.full((1, 3), np.nan, np.float32)
    for kind in ("classification", "audio", "text"):
        found, task = read({"kind": kind}, {"out": broken}), task_named(kind)
        settings = settings_type(kind).model_validate({"kind": kind})
        tally = task.tally(settings, ())
        tally.add(found, task.as_truth(settings, found))
        first = task.metrics(settings, "source")[0]
        value = tally.figures(np.array([0])).values[first.name]
        assert value == 0 or np.isnan(value)
