"""What decides a task's figures: a cached verdict is of the files and functions that there are now."""

from pathlib import Path

import numpy as np

from exporter.tasks.custom.settings import Custom
from exporter.tasks.detection.settings import Detection
from exporter.tasks.keys import task_key
from exporter.tasks.speech.settings import Speech


def test_a_function_of_the_user_that_changed_is_another_task(tmp_path: Path) -> None:
    file = tmp_path / "measures.py"
    settings = Custom(function=f"{file}:measure", higher=("right",))
    keys = []
    for number in (1, 2, 1):
        file.write_text(f"def measure(source, artifact, labels):\n    return {{'right': {number}}}\n")
        keys.append(task_key(settings))
    assert keys[0] != keys[1]
    assert keys[0] == keys[2]


def test_files_count_by_what_they_hold(tmp_path: Path) -> None:
    priors, words = tmp_path / "priors.npy", tmp_path / "words.txt"
    for path, settings in (
        (priors, Detection(head="ssd", priors=str(priors))),
        (words, Speech(vocabulary=words)),
    ):
        path.write_bytes(b"one")
        before = task_key(settings)
        path.write_bytes(b"two")
        assert task_key(settings) != before


def test_settings_count(tmp_path: Path) -> None:
    assert task_key(Detection()) != task_key(Detection(iou_threshold=0.5))
    assert task_key(None) is None
    assert np.ndim(task_key(Detection())[1]) == 1
