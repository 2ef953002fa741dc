"""Class names inside a TFLite file."""

from pathlib import Path

import pytest

from exporter.conversion.tflite_metadata import attach_labels
from exporter.verdicts import Status
from exporter.verification.labels import embedded_labels, label_verdicts

NAMES = ("ant", "bee", "cat", "dog")


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(attach_labels(b"\x1c\x00\x00\x00TFL3" + b"\x00" * 64, NAMES))
    return path


def test_the_models_names_pass(artifact: Path) -> None:
    assert embedded_labels(artifact) == NAMES
    assert [verdict.status for verdict in label_verdicts("t", artifact, NAMES)] == [Status.PASSED]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("dog", "ant", "bee", "cat"), "4 class names differ: class 0 is 'ant' in the file, 'dog' here"),
        (("ant", "bee", "cat"), "4 class names in the file, the model has 3"),
        ((*NAMES, "eel"), "4 class names in the file, the model has 5"),
    ],
)
def test_shifted_and_missing_names_fail(artifact: Path, names: tuple[str, ...], words: str) -> None:
    (verdict,) = label_verdicts("t", artifact, names)
    assert verdict.status is Status.FAILED
    assert verdict.reason == words


def test_a_file_or_a_model_without_names_says_nothing(artifact: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(b"\x1c\x00\x00\x00TFL3" + b"\x00" * 64)
    assert label_verdicts("t", bare, NAMES) == label_verdicts("t", artifact, ()) == []
