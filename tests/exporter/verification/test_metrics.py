"""The arithmetic of verdicts about outputs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from exporter.record import Parity
from exporter.targets.settings import TfliteTarget
from exporter.verdicts import Status
from exporter.verification.gate import parity_verdicts
from exporter.verification.metrics import Difference, Ranking, is_class_scores, rank_of

values = hnp.arrays(np.float32, st.integers(2, 8), elements=st.floats(-100, 100, width=32))


@given(values)
def test_equal_outputs_have_no_noise(output: np.ndarray) -> None:  # type: ignore[type-arg]
    difference = Difference()
    difference.add(output, output.copy())
    assert difference.snr_db == math.inf
    assert difference.max_abs_error == 0
    assert difference.cosine == pytest.approx(1.0)


def test_snr_is_ten_times_the_log_of_power() -> None:
    difference = Difference()
    difference.add(np.asarray([10.0, 0.0]), np.asarray([9.0, 0.0]))
    assert difference.snr_db == pytest.approx(20.0)
    assert difference.max_abs_error == 1.0


def test_nan_is_never_a_good_output() -> None:
    """Protects against a comparison that silently drops NaN."""
    difference = Difference()
    difference.add(np.asarray([1.0, 2.0]), np.asarray([1.0, np.nan]))
    difference.add(np.asarray([1.0, 2.0]), np.asarray([1.0, 2.0]))
    assert math.isnan(difference.snr_db)
    assert math.isnan(difference.max_abs_error)
    parity = Parity(data="d", samples=2, evaluator="e", snr_db=difference.snr_db, cosine=math.nan,
                    max_abs_error=difference.max_abs_error)  # fmt: skip
    target = TfliteTarget.model_validate(
        {"name": "t", "format": "tflite", "minimum_os": "Android 12",
         "tolerances": {"snr_db": 1, "max_abs_error": 1e9, "cosine": 0}}
    )  # fmt: skip
    assert {verdict.status for verdict in parity_verdicts(target, parity)} == {Status.FAILED}


@given(values, st.data())
def test_rank_counts_better_classes(scores: np.ndarray, data: st.DataObject) -> None:  # type: ignore[type-arg]
    label = data.draw(st.integers(0, len(scores) - 1))
    assert (rank_of(scores, label) == 0) == (int(scores.argmax()) == label)
    assert sorted(rank_of(scores, index) for index in range(len(scores))) == list(range(len(scores)))


def test_accuracy_and_agreement() -> None:
    ranking = Ranking(labels=[0, 1])
    ranking.add(0, np.asarray([2.0, 1.0]), np.asarray([1.0, 2.0]))
    ranking.add(1, np.asarray([1.0, 2.0]), np.asarray([1.0, 2.0]))
    assert ranking.agreed == 1
    assert ranking.accuracy("source", 1) == 1.0
    assert ranking.accuracy("artifact", 1) == 0.5
    assert ranking.accuracy("artifact", 5) == 1.0
    assert Ranking(labels=None).accuracy("source", 1) is None


def test_maps_are_not_class_scores() -> None:
    assert is_class_scores(np.zeros(10))
    assert is_class_scores(np.zeros((1, 1, 10)))
    assert not is_class_scores(np.zeros((4, 8)))
    assert not is_class_scores(np.zeros(1))


def test_a_drop_without_labels_is_not_checked() -> None:
    target = TfliteTarget.model_validate(
        {"name": "t", "format": "tflite", "minimum_os": "Android 12", "tolerances": {"top1_drop_points": 1}}
    )
    parity = Parity(data="d", samples=1, evaluator="e", snr_db=None, cosine=1, max_abs_error=0)
    (verdict,) = parity_verdicts(target, parity)
    assert verdict.status is Status.NOT_CHECKED
    assert "no labels" in verdict.reason
    (verdict,) = parity_verdicts(target, None, "the evaluator refuses an operation")
    assert verdict.status is Status.NOT_CHECKED
    assert "refuses" in verdict.reason
