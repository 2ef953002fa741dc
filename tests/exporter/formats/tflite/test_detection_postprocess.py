"""Suppression by TFLite_Detection_PostProcess: what the operator gives, and what libraries of detectors read of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.suppression import Suppression
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.format import Origin
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.format import FORMAT
from exporter.formats.tflite.inspection.flatbuffer import Flatbuffer
from exporter.formats.tflite.inspection.names import METADATA_NAME
from exporter.formats.tflite.inspection.tables import read_model
from exporter.formats.tflite.runner import LiteRTRunner
from exporter.formats.tflite.settings import TfliteTarget
from exporter.sources.modules import Found, from_module
from exporter.tasks.detection.infile import DECODED, DETECTED
from exporter.tasks.detection.suppressed import Suppressed

BOXES, CLASSES, MOST = 10, 3, 6
NAMES = ("cat", "dog", "bird")
HEIGHT, WIDTH = 16, 32
_AXIS_LABELS, _VALUE_LABELS = 2, 3
PICTURE = np.zeros((1, 3, HEIGHT, WIDTH), np.float32)


class _Given(torch.nn.Module):
    """A detector whose inputs are its boxes and scores, beside a picture that it hardly looks at."""

    def forward(self, image: torch.Tensor, boxes: torch.Tensor, scores: torch.Tensor) -> Any:
        return torch.neg(torch.neg(boxes)) + 0 * image.sum(), torch.neg(torch.neg(scores))


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A file that gives its boxes and scores, and its source."""
    return _converted(tmp_path_factory.mktemp("given"), CLASSES)


def _converted(folder: Path, classes: int) -> tuple[Path, Any]:
    shapes = {"image": PICTURE.shape, "a": (1, BOXES, 4), "b": (1, BOXES, classes)}
    inputs = tuple({"name": name, "shape": shape} for name, shape in shapes.items())
    model = ModelSettings.model_validate({"inputs": inputs, "outputs": ("boxes", "scores"), "mean": 0, "std": 1})
    source = from_module(SourceKind.FACTORY, "given", model, Found(_Given().eval()))
    return ConversionSession(source, None, 1).convert(FORMAT.in_float(_target()), folder).path, source


def _target() -> TfliteTarget:
    return TfliteTarget.model_validate(
        {
            "name": "t",
            "format": "tflite",
            "minimum_os": "Android 12",
            "postprocessing": "nms",
            "suppression": "detection_postprocess",
        }
    )


def _suppressing(given: tuple[Path, Any], folder: Path, asked: Suppression) -> tuple[Path, Any]:
    """A file, and the description of its detections."""
    path, source = given
    final = source.description.model_copy(update={"outputs": DETECTED, "labels": NAMES})
    out = folder / "out.tflite"
    FORMAT.postprocess(_target(), path, out, Postprocessing(final, source.settings, suppression=asked))
    FORMAT.check_whole(out)
    return out, final


def _runner(given: tuple[Path, Any], folder: Path, **settings: Any) -> tuple[ArtifactRunner, Suppression]:
    known = {"iou_threshold": 0.5, "score_threshold": 0.25, "most_detections": MOST}
    asked = Suppression.model_validate(known | settings)
    out, final = _suppressing(given, folder, asked)
    return FORMAT.evaluator("litert", out, Origin(final)), asked


def _described(out: Path) -> tuple[Flatbuffer, list[int]]:
    """Metadata of a file, and where those of each output lie."""
    model = read_model(memoryview(out.read_bytes()))
    reader = Flatbuffer(model.buffers[model.metadata[METADATA_NAME]], {})
    (graph,) = reader.members(reader.root(), 3)
    return reader, list(reader.members(graph, 3))


def _raw(out: Path, final: Any) -> LiteRTRunner:
    """Runs a file for what it gives itself."""
    names = ("location", "category", "score", "number of detections")
    return LiteRTRunner(out, final.model_copy(update={"outputs": names}))


def _set(seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Boxes that lie on halves of a pixel, some of them equal, as are some scores; every class has some of them."""
    draw = np.random.default_rng(seed)
    starts, sides = draw.integers(0, 12, (BOXES, 2)) / 2, draw.integers(1, 16, (BOXES, 2)) / 2
    boxes = np.concatenate([starts, starts + sides], 1)[draw.integers(0, BOXES, BOXES)]
    return boxes.astype(np.float32)[None], np.round(draw.uniform(0, 1, (1, BOXES, CLASSES)), 1).astype(np.float32)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"class_agnostic": True},
        {"iou_threshold": 0.0},
        {"iou_threshold": None, "most_detections": 50},
        {"iou_threshold": None, "class_agnostic": True, "most_detections": 50},
        {"iou_threshold": 1.0, "most_detections": 50},
        {"score_threshold": 1.0},
        {"score_threshold": 0.0, "most_detections": 50},
        {"most_detections": 1},
    ],
)
def test_detections_are_torchvisions(given: tuple[Path, Any], settings: dict[str, Any], tmp_path: Path) -> None:
    """In their order too. LiteRT runs on two threads here, on which the operator's own way for classes loses one."""
    run, asked = _runner(given, tmp_path, **settings)
    for seed in range(40):
        boxes, scores = _set(seed)
        wanted = Suppressed(asked)(torch.from_numpy(boxes), torch.from_numpy(scores))
        found = run([PICTURE, boxes, scores])
        np.testing.assert_allclose(found[0], wanted[0].numpy(), atol=1e-4)
        for one, own in zip(found[1:], wanted[1:], strict=True):
            np.testing.assert_array_equal(one, own.numpy())
            assert one.dtype == own.numpy().dtype


def test_boxes_whose_corners_are_swapped_end_no_inference(given: tuple[Path, Any], tmp_path: Path) -> None:
    """The operator refuses a negative side; such boxes have none."""
    run, _ = _runner(given, tmp_path)
    boxes, scores = _set(0)
    boxes[0, 0], scores[0, 0, 0] = [9, 5, 4, 3], 1
    found = run([PICTURE, boxes, scores])
    np.testing.assert_allclose(found[0][0, 0], [6.5, 4, 6.5, 4], atol=1e-4)
    assert found[1][0, 0] == 1


@pytest.mark.parametrize("class_agnostic", [False, True])
def test_one_class(tmp_path: Path, class_agnostic: bool) -> None:
    """Then the operator suppresses by itself."""
    path, source = _converted(tmp_path, 1)
    run, asked = _runner((path, source), tmp_path, class_agnostic=class_agnostic)
    for seed in range(20):
        boxes, scores = _set(seed)
        wanted = Suppressed(asked)(torch.from_numpy(boxes), torch.from_numpy(scores[..., :1]))
        for one, own in zip(run([PICTURE, boxes, scores[..., :1]]), wanted, strict=True):
            np.testing.assert_allclose(one, own.numpy(), atol=1e-4)


@pytest.mark.parametrize("class_agnostic", [False, True])
def test_rows_behind_the_count_are_zeros(given: tuple[Path, Any], class_agnostic: bool, tmp_path: Path) -> None:
    """The operator leaves in them what was in memory."""
    asked = Suppression(score_threshold=0.25, most_detections=MOST, class_agnostic=class_agnostic)
    run = _raw(*_suppressing(given, tmp_path, asked))
    boxes, scores = _set(1)
    assert run([PICTURE, boxes, scores])[3] > 1
    scores[0] = 0
    scores[0, 0, 2] = 1
    *rows, count = run([PICTURE, boxes, scores])
    assert count == 1
    assert all(value[0, 0].any() and not value[0, 1:].any() for value in rows)


def test_the_file_itself_gives_what_the_operator_does(given: tuple[Path, Any], tmp_path: Path) -> None:
    """Top, left, bottom and right as shares, classes, scores and how many, as floats: what libraries expect."""
    out, final = _suppressing(given, tmp_path, Suppression(score_threshold=0.25, most_detections=MOST))
    inspected = FORMAT.inspect(out)
    assert "TFLite_Detection_PostProcess" in {op.type for op in inspected.ops}
    assert [(one.name, one.dtype, list(one.shape)) for one in inspected.outputs] == [
        ("location", "float32", [1, MOST, 4]),
        ("category", "float32", [1, MOST]),
        ("score", "float32", [1, MOST]),
        ("number of detections", "float32", [1]),
    ]
    boxes, scores = _set(2)
    location, category, score, count = _raw(out, final)([PICTURE, boxes, scores])
    best = int(scores.max(2).argmax())
    left, top, right, bottom = boxes[0, best]
    wanted = [top / HEIGHT, left / WIDTH, bottom / HEIGHT, right / WIDTH]
    np.testing.assert_allclose(location[0, 0], wanted, atol=1e-6)
    assert (category[0, 0], score[0, 0]) == (scores[0, best].argmax(), scores.max())
    assert count[0] > 1


def test_the_metadata_say_what_detectors_of_libraries_ask_for(given: tuple[Path, Any], tmp_path: Path) -> None:
    """Boundaries as shares in the order of the operator, and class names by value (``metadata_schema.fbs``)."""
    out, _ = _suppressing(given, tmp_path, Suppression())
    reader, outputs = _described(out)
    assert [reader.text(one, 0) for one in outputs] == ["location", "category", "score", "number of detections"]
    content = reader.target(outputs[0], 3)
    assert content is not None
    boxes, axes = reader.target(content, 1), reader.target(content, 2)
    assert boxes is not None
    assert axes is not None
    assert reader.scalar(content, 0, "<B") == 3, "BoundingBoxProperties"
    assert reader.numbers(boxes, 0) == (1, 0, 3, 2)
    assert (reader.scalar(boxes, 1, "<b"), reader.scalar(boxes, 2, "<b")) == (1, 0), "BOUNDARIES and RATIO"
    assert (reader.scalar(axes, 0, "<i"), reader.scalar(axes, 1, "<i")) == (2, 2)
    (labels,) = reader.members(outputs[1], 6)
    assert (reader.text(labels, 0), reader.scalar(labels, 2, "<b")) == ("labels.txt", _VALUE_LABELS)
    assert FORMAT.file_facts(out).labels == NAMES


@pytest.mark.parametrize(
    ("suppression", "labelled"),
    [(None, {"scores": _AXIS_LABELS}), (Suppression(), {"classes": _VALUE_LABELS})],
)
def test_class_names_stand_where_classes_are(
    given: tuple[Path, Any], suppression: Suppression | None, labelled: dict[str, int], tmp_path: Path
) -> None:
    """Of files without the operator: of decoded boxes along the scores, of detections at the classes."""
    path, source = given
    final = source.description.model_copy(update={"labels": NAMES, "outputs": DETECTED if suppression else DECODED})
    out, target = tmp_path / "out.tflite", _target().model_copy(update={"suppression": "builtin"})
    FORMAT.postprocess(target, path, out, Postprocessing(final, source.settings, suppression=suppression))
    reader, outputs = _described(out)
    found = {reader.text(one, 0): list(reader.members(one, 6)) for one in outputs}
    assert {name: reader.scalar(files[0], 2, "<b") for name, files in found.items() if files} == labelled


def test_a_source_without_a_picture_has_no_pixels(given: tuple[Path, Any], tmp_path: Path) -> None:
    out, final = _suppressing(given, tmp_path, Suppression())
    blind = [one.model_copy(update={"image": None}) for one in final.inputs]
    with pytest.raises(UsageProblem, match="shares of a picture, and the model has no image input"):
        FORMAT.evaluator("litert", out, Origin(final.model_copy(update={"inputs": tuple(blind)})))


def test_a_source_with_other_outputs_is_refused(given: tuple[Path, Any], tmp_path: Path) -> None:
    out, final = _suppressing(given, tmp_path, Suppression())
    with pytest.raises(UsageProblem, match="outputs cannot be told apart"):
        FORMAT.evaluator("litert", out, Origin(final.model_copy(update={"outputs": ("logits",)})))
