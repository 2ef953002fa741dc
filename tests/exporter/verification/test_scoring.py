"""Source and artifact scored by a task: protects what each prediction is measured by."""

from typing import Any

import numpy as np
import pytest

from exporter.data.facts.task import TaskFacts
from exporter.datasets.dataset import Dataset
from exporter.tasks.registry import settings_type
from exporter.verification.compare import compare, reference_outputs
from exporter.verification.scoring import scoring
from tests.exporter.tasks.made import described

from .runs import Table, indices

EXAMPLES = 6


def facts(table: dict[str, Any], source: Any, artifact: Any, labels: tuple[int, ...] | None) -> TaskFacts:
    """Of two models' outputs on the same examples, each run on one."""
    data = Dataset("data", "0", EXAMPLES, lambda index: (np.zeros(4),), labels)
    settings = settings_type(table["kind"]).model_validate(table)
    scored = scoring(settings, described({"out": (1, *np.shape(source)[1:])}), data)
    assert scored is not None
    other = scored.artifact()
    for index in range(EXAMPLES):
        scored.source.take((index,), [source[index : index + 1]])
        other.take((index,), [artifact[index : index + 1]])
    return scored.facts(other)


@pytest.mark.parametrize("labels", [None, (0, 0, 1, 1, 2, 2)])
def test_an_embedding_is_held_against_the_sources_own_with_labels_too(labels: tuple[int, ...] | None) -> None:
    """An artifact measured by itself would have a cosine of 1 whatever it gives."""
    random = np.random.default_rng(0)
    source, artifact = random.normal(0, 1, (2, EXAMPLES, 8))
    found = facts({"kind": "embedding"}, source, artifact, labels)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (source, artifact)]
    (cosine,) = [metric for metric in found.metrics if metric.name == "cosine"]
    assert cosine.source == pytest.approx(1)
    assert cosine.artifact == pytest.approx(float((unit[0] * unit[1]).sum(1).mean()))


def test_a_function_of_the_users_own_is_given_the_sources_outputs_with_labels_too() -> None:
    table = {"kind": "custom", "function": "tests.exporter.verification.test_scoring:distance", "lower": ["distance"]}
    source = np.zeros((EXAMPLES, 2))
    (metric,) = facts(table, source, source + 3, tuple(range(EXAMPLES))).metrics
    assert (metric.source, metric.artifact, metric.loss) == (0, 3, 3)


def distance(source: Any, artifact: Any, labels: list[int]) -> dict[str, float]:
    """How far the outputs are apart."""
    assert labels is not None
    return {"distance": float(np.abs(source[0] - artifact[0]).mean())}


def test_labels_are_kept_by_the_data_alone() -> None:
    """Protects memory: maps of labels are as large as the data set."""
    data = Dataset("data", "0", EXAMPLES, lambda index: (np.zeros(4),), tuple(range(EXAMPLES)))
    scored = scoring(settings_type("classification")(kind="classification"), described({"out": (1, 6)}), data)
    assert scored is not None
    scored.source.take((0,), [np.zeros((1, 6))])
    assert not scored.own


@pytest.mark.parametrize("labels", [None, (0, 1, 2, 0, 1, 2)])
def test_the_output_that_the_task_names_is_ranked(labels: tuple[int, ...] | None) -> None:
    """Protects detectors of faces and the like, whose first output is a box and no score: 4 numbers, not 3 classes."""
    scores, box = np.eye(3)[np.arange(EXAMPLES) % 3], np.eye(4)[np.arange(EXAMPLES) % 2]
    source = [[box[place : place + 1], scores[place : place + 1]] for place in range(EXAMPLES)]
    artifact = [[box[place : place + 1], np.roll(scores[place : place + 1], place == 0)] for place in range(EXAMPLES)]
    settings = settings_type("classification").model_validate({"kind": "classification", "output": "scores"})
    model = described({"box": (1, 4), "scores": (1, 3)})
    reference = reference_outputs(
        Table(source), model, indices(EXAMPLES, labels), None, lambda done, total: None, settings
    )
    found = compare(Table(artifact), reference, lambda done, total: None)
    assert (found.classes, found.top1_agreement) == (3, pytest.approx(5 / 6))
    assert found.source_top1 == (None if labels is None else 1.0)


def test_what_a_source_is_sure_of_is_the_users_to_say() -> None:
    """Protects detectors whose scores are low from finding nothing without labels."""
    head = np.zeros((EXAMPLES, 5, 6), np.float32)
    head[:, :, 0] = [50, 50, 20, 20, 0.2]
    found = {sure: _detections({"kind": "detection", "head": "yolo", "sure_score": sure}, head) for sure in (0.1, 0.3)}
    assert (found[0.1].empty, found[0.1].metrics[0].source) == (0, pytest.approx(100))
    assert found[0.3].empty == EXAMPLES


def _detections(table: dict[str, Any], head: Any) -> TaskFacts:
    data = Dataset("data", "0", EXAMPLES, lambda index: (np.zeros(4),))
    settings = settings_type("detection").model_validate(table)
    scored = scoring(settings, described({"out": (1, *head.shape[1:])}, (100, 100)), data)
    assert scored is not None
    other = scored.artifact()
    for index in range(EXAMPLES):
        for one in (scored.source, other):
            one.take((index,), [head[index : index + 1]])
    return scored.facts(other)
