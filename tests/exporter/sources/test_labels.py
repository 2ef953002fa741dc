"""Class names are counted against the classes before anything is converted, for every format."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import load_torchvision
from exporter.sources.labels import check_label_count, class_count, distinct, read_labels
from exporter.sources.load import load_source
from tests.data import small_models

SMALL = f"{small_models.__file__}:small"


def written(folder: Path, content: bytes) -> Path:
    path = folder / "labels.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [b"a\nb\nc", b"a\nb\nc\n\n\n", b"\xef\xbb\xbfa\r\nb\r\nc\r\n", b"a\rb\rc\r", b" a \n b\t\nc"],
)
def test_line_ends_marks_and_blank_ends_are_no_names(content: bytes, tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, content)) == ("a", "b", "c")


def test_characters_that_some_call_line_ends_stay_in_names(tmp_path: Path) -> None:
    """Protects the count: str.splitlines also splits at form feeds and U+2028."""
    assert read_labels(written(tmp_path, "a\u2028b\nc\x0cd\n".encode())) == ("a\u2028b", "c\x0cd")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has no names"),
        (b"\n \n", "has no names"),
        (b"a\n\nb\n", "line 2 is blank"),
        (b"crane\nb\ncrane\nb\ncrane\n", "crane in lines 1, 3 and 5; b in lines 2 and 4"),
        (b"\xff\xfea\x00", "byte 0 is not UTF-8"),
    ],
)
def test_a_file_that_would_shift_or_lose_classes_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=says):
        read_labels(written(tmp_path, content))


@pytest.mark.parametrize(
    ("shape", "classes"),
    [
        ((1, 5), 5),
        ((1, 1, 5), 5),
        ((1, 5, 1, 1), 5),
        ((5,), 5),
        ((1, 1), 1),
        ((2, 5), 5),
        ((1, 4, 12, 16), None),
        ((1, 25200, 85), None),
    ],
)
def test_classes_are_the_only_axis_beside_the_batch(shape: tuple[int, ...], classes: int | None) -> None:
    assert class_count(shape) == classes


@given(st.integers(1, 40), st.integers(1, 40))
def test_only_one_name_a_class_passes(names: int, classes: int) -> None:
    labels = [f"n{index}" for index in range(names)]
    if names == classes:
        check_label_count("labels.txt", labels, "output", (1, classes))
        return
    with pytest.raises(UsageProblem) as caught:
        check_label_count("labels.txt", labels, "output", (1, classes))
    plural = "" if names == 1 else "s"
    assert f"labels.txt: {names} name{plural}, the model has {classes} class" in str(caught.value)


def test_a_background_name_too_many_is_recognized(tmp_path: Path) -> None:
    labels = written(tmp_path, b"background\na\nb\nc\nd\ne\n")
    settings = ModelSettings.model_validate({"inputs": ({"shape": (1, 3, 16, 16)},), "labels": labels})
    with pytest.raises(UsageProblem, match=r"6 names, the model has 5 classes\. Is the first, background"):
        load_source(SMALL, settings)


def test_labels_of_maps_are_refused_and_those_of_an_onnx_file_counted(tmp_path: Path) -> None:
    labels = written(tmp_path, b"a\nb\nc\nd\n")
    settings = ModelSettings.model_validate({"inputs": ({"shape": (1, 3, 12, 16)},), "labels": labels})
    with pytest.raises(UsageProblem, match=r"first output, out, has the shape \[1, 4, 12, 16\]"):
        load_source(f"{small_models.__file__}:segmenter", settings)
    torch.onnx.export(
        small_models.small(),
        (torch.zeros(1, 3, 16, 16),),
        str(tmp_path / "n.onnx"),
        dynamo=False,
        input_names=["image"],
    )
    with pytest.raises(UsageProblem, match="4 names, the model has 5 classes"):
        load_source(str(tmp_path / "n.onnx"), ModelSettings(labels=labels))


def test_duplicates_of_the_weights_own_names_are_told_apart() -> None:
    """ImageNet has two cranes, a bird and a machine; lists of other sources name both alike."""
    assert distinct(["crane", "b", "crane"]) == ("crane (0)", "b", "crane (2)")
    known = load_torchvision().models.MobileNet_V2_Weights.DEFAULT.meta["categories"]
    assert len(set(distinct(known))) == 1000


def test_labels_of_maps_are_classes_of_a_task(tmp_path: Path) -> None:
    """Detectors and segmenters have class names too, which no format writes beside scores a class."""
    labels = written(tmp_path, b"sky\nsea\n")
    shape = ({"name": "image", "shape": (1, 3, 32, 32)},)
    settings = ModelSettings.model_validate({"inputs": shape, "labels": labels, "task": {"kind": "segmentation"}})
    net = torch.nn.Conv2d(3, 2, 3).eval()
    torch.onnx.export(
        net, (torch.zeros(1, 3, 32, 32),), str(tmp_path / "net.onnx"), dynamo=False, input_names=["image"]
    )
    torch.jit.trace(net, torch.zeros(1, 3, 32, 32)).save(str(tmp_path / "net.pt"))
    for name in ("net.onnx", "net.pt"):
        description = load_source(str(tmp_path / name), settings).description
        assert (description.labels, description.classes) == ((), ("sky", "sea"))
