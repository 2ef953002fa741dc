"""What guessing gives: protects from verdicts on a source that is right by chance."""

from typing import Any

import numpy as np
import pytest

from exporter.data.facts.task import Guess
from tests.exporter.tasks.made import one_hot
from tests.exporter.tasks.test_published import measured

TOKENS = [np.array(row) for row in ([0, 0, 0, 2], [0, 0, 1, -100])]


@pytest.mark.parametrize(
    ("table", "labels", "guess"),
    [
        pytest.param({"kind": "text"}, [0, 0, 0, 1], Guess(answers=4, share=1 / 2), id="one of the classes of texts"),
        pytest.param({"kind": "text", "scores": "tokens"}, TOKENS, Guess(answers=7, share=5 / 7), id="commonest token"),
        pytest.param({"kind": "text", "scores": "next"}, TOKENS, Guess(answers=5, share=3 / 5), id="commonest next"),
    ],
)
def test_of_accuracy(table: dict[str, Any], labels: list[Any], guess: Guess) -> None:
    scores = one_hot(np.zeros(np.shape(labels), np.int64), 5)
    assert measured(table, {"scores": scores}, labels).guesses == {"token_accuracy": guess}


def test_one_of_the_classes_of_clips() -> None:
    figures = measured({"kind": "audio"}, {"scores": one_hot(np.arange(4), 5)}, [0, 1, 1, 4])
    assert figures.guesses == {"top1": Guess(answers=4, share=1 / 3)}


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_labels_of_one_class_tell_nothing_of_guessing(kind: str) -> None:
    assert measured({"kind": kind}, {"scores": one_hot(np.arange(4), 5)}, [3, 3, 3, 3]).guesses == {}
