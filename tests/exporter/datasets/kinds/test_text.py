"""Text: ids, masks and types by the inputs' names, and what is wrong by line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.data.settings.task import TaskSettings
from exporter.datasets.dataset import Dataset
from tests.exporter.datasets.kinds.made import IDS, VECTOR, opened, text, write_tokenizer


class Next(TaskSettings):
    """Of a language model."""

    scores: str = "next"


def of_lines(folder: Path, *rows: Any, truth: Any = None, inputs: tuple[InputSpec, ...] = IDS, **more: Any) -> Dataset:
    tokenizer = write_tokenizer(folder)
    (folder / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return opened(folder / "x.jsonl", truth, inputs, settings={"tokenizer": tokenizer, **more})


def test_ids_masks_and_types_go_to_the_inputs_of_their_names(tmp_path: Path) -> None:
    """[CLS] good film [SEP], with [PAD] = 0 behind."""
    data = of_lines(tmp_path, {"text": "good film"}, {"text": "good", "pair": "bad"}, {"text": "a " * 20})
    ids, mask, types = data.read(0)
    np.testing.assert_array_equal(ids, [1, 4, 6, 2, 0, 0])
    np.testing.assert_array_equal(mask, [1, 1, 1, 1, 0, 0])
    assert types.dtype == np.int32
    np.testing.assert_array_equal(data.read(1)[0], [1, 4, 2, 5, 2, 0])
    np.testing.assert_array_equal(data.read(1)[2], [0, 0, 0, 1, 1, 0])
    np.testing.assert_array_equal(data.read(2)[0], [1, 7, 7, 7, 7, 2])  # the last token is kept
    assert data.greatest == {"input_ids": 7}


def test_positions_count(tmp_path: Path) -> None:
    inputs = (IDS[0], InputSpec(name="position_ids", shape=(1, 6), dtype="int64"))
    np.testing.assert_array_equal(of_lines(tmp_path, {"text": "a"}, inputs=inputs).read(0)[1], range(6))


def test_labels_are_names_or_numbers(tmp_path: Path) -> None:
    data = opened(text(tmp_path), "class", IDS, settings={"tokenizer": tmp_path / "tokenizer.json"})
    assert data.labels == (1, 0, 1)
    assert data.class_names == ("neg", "pos")
    assert of_lines(tmp_path, {"text": "a", "label": 3}).labels == (3,)


def test_texts_and_tokens_are_truths_where_the_task_is_measured_by_them(tmp_path: Path) -> None:
    row = {"text": "good film", "label": 1, "target": "gut", "tokens": [5, 6, -100]}
    target = of_lines(tmp_path, row, truth="text")
    assert target.truths is not None
    assert target.truths(0) == "gut"
    tokens = of_lines(tmp_path, row, truth="tokens")
    assert tokens.truths is not None
    np.testing.assert_array_equal(tokens.truths(0), [5, 6, -100, -100, -100, -100])
    assert of_lines(tmp_path, row).labels == (1,)


def test_a_language_model_is_to_say_the_text_itself(tmp_path: Path) -> None:
    """As perplexity is measured; what lies behind the text does not count."""
    data = of_lines(tmp_path, {"text": "good film"}, truth="tokens", task=Next(kind="text"))
    assert data.truths is not None
    np.testing.assert_array_equal(data.truths(0), [1, 4, 6, 2, -100, -100])
    assert of_lines(tmp_path, {"text": "good film"}, truth="tokens").truth_kind is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"text": "a"}\n{"text": \n', "line 2: Expecting value"),
        ('{"text": "a"}\n\n["a"]\n', "line 3: a line is an object"),
        ('{"text": "a"}\n{"words": "a"}\n', "line 2: there is no string under text"),
        ('{"text": 3}\n', "line 1: there is no string under text"),
        ('{"text": "a", "label": null}\n', "line 1: label is None"),
        ('{"text": "a", "label": 1}\n{"text": "a", "label": "b"}\n', "line 2: label 'b' is a name, and others are"),
        ("\n", "has no records"),
    ],
)
def test_mistakes_are_named_by_their_line(content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(content)
    with pytest.raises(UsageProblem, match=says):
        opened(tmp_path / "x.jsonl", None, IDS, settings={"tokenizer": write_tokenizer(tmp_path)})


@pytest.mark.parametrize(
    ("truth", "row", "says"),
    [
        ("text", {"target": 3}, "line 1: target is 3"),
        ("tokens", {"tokens": ["x"]}, "line 1: tokens are not whole numbers"),
        ("tokens", {"tokens": 3}, "line 1: tokens are not whole numbers"),
    ],
)
def test_truths_that_are_none_are_named(truth: str, row: dict[str, Any], says: str, tmp_path: Path) -> None:
    data = of_lines(tmp_path, {"text": "a", **row}, truth=truth)
    assert data.truths is not None
    with pytest.raises(UsageProblem, match=says):
        data.truths(0)


def test_a_csv_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"text,label\na,1\n\xff,2\n")
    with pytest.raises(UsageProblem, match=r"x\.csv"):
        opened(tmp_path / "x.csv", None, IDS, settings={"tokenizer": write_tokenizer(tmp_path)})


def test_a_tokenizer_is_needed_and_must_be_one(tmp_path: Path) -> None:
    given = text(tmp_path)
    with pytest.raises(UsageProblem, match=r'set tokenizer = "tokenizer\.json" in \[model\]'):
        opened(given, None, IDS)
    with pytest.raises(UsageProblem, match="there is no such file"):
        opened(given, None, IDS, settings={"tokenizer": tmp_path / "no.json"})
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UsageProblem, match=r"other\.json is no tokenizer\.json"):
        opened(given, None, IDS, settings={"tokenizer": tmp_path / "other.json"})


def test_models_of_something_else_are_refused(tmp_path: Path) -> None:
    settings = {"tokenizer": write_tokenizer(tmp_path)}
    image = (InputSpec(name="x", shape=(1, 3, 4, 4)),)
    with pytest.raises(UsageProblem, match="not ids of shape"):
        opened(text(tmp_path), None, image, settings=settings)
    uneven = (*IDS, *VECTOR)
    with pytest.raises(UsageProblem, match="not ids of shape"):
        opened(text(tmp_path), None, uneven, settings=settings)
