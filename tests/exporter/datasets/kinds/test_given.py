"""Truths in arrays and out of code: which kind they are is told by their type, by the task, or by who made them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.datasets.dataset import Dataset
from tests.exporter.datasets.kinds.made import VECTOR, opened

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


def saved(folder: Path, y: Any, truth: Any = None) -> Dataset:
    np.savez(folder / "x.npz", x=ROWS, y=y)
    return opened(folder / "x.npz", truth, VECTOR)


@pytest.mark.parametrize(
    ("y", "truth", "kind"),
    [
        ([0, 1, 2], None, None),
        ([[0], [1], [2]], None, None),
        ([0.0, 1.0, 2.0], None, None),
        ([0.0, 1.0, 2.0], "values", "values"),
        ([0.5, 1.0, 2.0], None, "values"),
        ([0, 1, 2], "values", "values"),
        ([[0, 1], [1, 2], [2, 3]], None, "tokens"),
        (np.zeros((3, 4, 4), np.uint8), None, "classes_map"),
        (np.zeros((3, 4, 4)), None, "values"),
        (np.zeros((3, 4, 4)), "depth", "depth"),
        (np.zeros((3, 4, 4, 3)), "image", "image"),
        (["a", "b", "c"], None, "text"),
        ([[0], [1], [2]], "tokens", "tokens"),
        (np.zeros((3, 2, 2, 2), int), None, "values"),
        (np.zeros((3, 2, 2, 2), int), "classes_map", "classes_map"),
    ],
)
def test_arrays_are_what_their_shape_type_and_task_make_of_them(y: Any, truth: Any, kind: Any, tmp_path: Path) -> None:
    data = saved(tmp_path, y, truth)
    assert data.truth_kind == kind
    assert (data.labels is None) == (kind is not None)
    if data.truths is not None:
        np.testing.assert_array_equal(data.truths(2), np.asarray(y)[2])


@pytest.mark.parametrize(
    ("y", "truth", "says"),
    [
        (np.zeros(3, complex), None, "complex128 are none"),
        ([1, 2], None, "same length"),
        (np.zeros((0, 2)), None, "same length"),
    ],
)
def test_arrays_that_are_no_truths(y: Any, truth: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=says):
        saved(tmp_path, y, truth)


HEAD = "import numpy as np\nfrom exporter.datasets.truths import Boxes\nrow = np.zeros(4, np.float32)\n"


def made(folder: Path, expression: str, extra: str = "", truth: Any = None, inputs: Any = VECTOR) -> Dataset:
    path = folder / "own_data.py"
    path.write_text(f"{HEAD}\n\ndef data():\n    return {expression}\n\n\n{extra}\n")
    return opened(f"{path}:data", truth, inputs)


@pytest.mark.parametrize(
    ("expression", "extra", "truth", "kind"),
    [
        ("[(row, 1), (row, 2)]", "", None, None),
        ("[(row, 'a'), (row, 'b')]", "", None, "text"),
        ("[(row, Boxes.of([], []))]", "", None, "boxes"),
        ("[(row, 1.5)]", "", None, "values"),
        ("[(row, np.zeros((2, 2)))]", "", "depth", "depth"),
        ("[(row, np.zeros((2, 2)))]", "data.truth_kind = 'depth'", None, "depth"),
        ("[(row, [3, 4])]", "", None, "tokens"),
        ("[(row, [3, 4])]", "data.truth_kind = 'values'", None, "values"),
    ],
)
def test_truths_out_of_code(expression: str, extra: str, truth: Any, kind: Any, tmp_path: Path) -> None:
    data = made(tmp_path, expression, extra, truth)
    assert data.truth_kind == kind
    assert (data.labels is None) == (kind is not None)


def test_names_of_classes_are_an_attribute(tmp_path: Path) -> None:
    assert made(tmp_path, "[(row, 0)]", "data.class_names = ['a', 'b']").class_names == ("a", "b")


def test_two_inputs_are_no_input_with_a_truth(tmp_path: Path) -> None:
    two = (*VECTOR, InputSpec(name="z", shape=(1, 4)))
    assert made(tmp_path, "[(row, row)]", inputs=two).truth_kind is None
    assert made(tmp_path, "[((row, row), row)]", truth="values", inputs=two).truth_kind == "values"


@pytest.mark.parametrize(
    ("expression", "extra", "says"),
    [
        ("[(row, 'a'), (row, 1)]", "", "truths of several kinds"),
        ("[(row, [1]), (row, [1, 2])]", "", "truths have the shapes"),
        ("[(row, 'a')]", "data.truth_kind = 'boxes'", "truth_kind is 'boxes', and the truths are text"),
        ("[(row, 1)]", "data.truth_kind = 'boxen'", "truth_kind is 'boxen', not one of class, boxes"),
    ],
)
def test_truths_out_of_code_that_are_none(expression: str, extra: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=says):
        made(tmp_path, expression, extra)
