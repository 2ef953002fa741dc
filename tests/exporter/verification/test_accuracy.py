"""A drop of accuracy is judged on its interval; what too few or wrong labels cannot decide is said."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from exporter.data.facts.parity import Parity
from exporter.data.verdict import Status
from exporter.gates.parity import parity_verdicts, parity_warnings

from .runs import measured, tflite_target

Array = NDArray[Any]


def _scores(labels: Array, right: Array, classes: int) -> list[list[Array]]:
    named = np.where(right, labels, (labels + 1) % classes)
    return [[np.eye(classes)[name][None]] for name in named]


def _accuracy(before: int, after: int, count: int, limit: float, classes: int = 10, *, strict: bool = False) -> Any:
    labels = np.arange(count) % classes
    place = np.arange(count)
    source, artifact = (_scores(labels, place < right, classes) for right in (before, after))
    parity = measured(source, artifact, tuple(labels.tolist()))
    (verdict,) = parity_verdicts(tflite_target(top1_drop_points=limit), parity, strict=strict)
    return verdict


def test_a_drop_carries_the_interval_of_the_paired_difference() -> None:
    """Agresti and Min: (20 + 0 lost of 1,000) is 2 points; by hand 1.996 +- 0.888 with half an example in each cell."""
    verdict = _accuracy(900, 880, 1000, limit=1.0)
    assert verdict.status is Status.FAILED
    assert verdict.value == 2.0
    assert "the drop is 1.11 to 2.88 points with 95 % confidence" in verdict.reason


def test_a_limit_that_the_sample_decides() -> None:
    verdict = _accuracy(9000, 8990, 10_000, limit=1.0)
    assert verdict.status is Status.PASSED
    assert "do not decide" not in verdict.reason


def test_a_limit_below_one_example_is_a_warning_and_not_checked_under_strict() -> None:
    verdict = _accuracy(45, 45, 50, limit=1.0)
    assert verdict.status is Status.PASSED
    assert "50 examples do not decide this limit, of which one alone is 2 points: give more" in verdict.reason
    assert parity_warnings([], [verdict]) == [f"accuracy.top1_drop: {verdict.reason}"]
    assert _accuracy(45, 45, 50, limit=1.0, strict=True).status is Status.NOT_CHECKED


def test_a_drop_beyond_the_limit_fails_however_few_examples_show_it() -> None:
    for strict in (False, True):
        assert _accuracy(48, 44, 50, limit=1.0, strict=strict).status is Status.FAILED


@pytest.mark.parametrize(("right", "count", "classes"), [(0, 20, 1000), (12, 100, 10), (5, 100, 10), (28, 50, 2)])
def test_a_source_at_chance_level_is_not_checked(right: int, count: int, classes: int) -> None:
    verdict = _accuracy(right, right, count, limit=50.0, classes=classes)
    assert verdict.status is Status.NOT_CHECKED
    assert "look at --mean and --std" in verdict.reason


def test_a_drop_without_labels_is_not_checked() -> None:
    target = tflite_target(top1_drop_points=1)
    parity = Parity(data="d", samples=1, evaluator="e", snr_db=None, cosine=1, max_abs_error=0, classes=5)
    (verdict,) = parity_verdicts(target, parity)
    assert verdict.status is Status.NOT_CHECKED
    assert "no labels" in verdict.reason
    (verdict,) = parity_verdicts(target, None, "the evaluator refuses an operation")
    assert verdict.status is Status.NOT_CHECKED
    assert "refuses" in verdict.reason
