"""What a task measured, and a target's limits: passed, failed, or not checked with the reason."""

import math
from typing import Any

import pytest

from exporter.data.facts.parity import OutputParity, Parity
from exporter.data.facts.task import ClassFigure, Guess, MetricFact, TaskFacts
from exporter.data.settings.target import Target
from exporter.data.verdict import Status, Verdict
from exporter.gates.parity import parity_verdicts
from exporter.gates.tasks import task_verdicts


def metric(**changes: Any) -> MetricFact:
    given = {
        "name": "map",
        "title": "mAP50-95",
        "tolerance": "map_drop_points",
        "unit": "%",
        "higher_is_better": True,
        "source": 58.0,
        "artifact": 57.5,
        "loss": 0.5,
        "low": 0.1,
        "high": 0.9,
    }
    return MetricFact.model_validate({**given, **changes})


def parity(*metrics: MetricFact, **changes: Any) -> Parity:
    facts = TaskFacts(task="detection", against="labels", examples=500, metrics=metrics)
    return Parity(
        data="scenes",
        samples=500,
        evaluator="LiteRT",
        snr_db=37.0,
        cosine=1.0,
        max_abs_error=1.0,
        task=facts.model_copy(update=changes),
    )


def verdicts(found: Parity | None, *, strict: bool = False, reason: str = "", **limits: Any) -> list[Verdict]:
    target = Target.model_validate(
        {"name": "t", "format": "tflite", "minimum_os": "Android 12", "tolerances": limits or {"map_drop_points": 1}}
    )
    return task_verdicts(target, found, reason, strict=strict)


def test_a_loss_within_the_limit_passes_and_tells_figures_interval_and_sample() -> None:
    (verdict,) = verdicts(parity(metric()))
    assert (verdict.status, verdict.metric, verdict.value, verdict.unit) == (
        Status.PASSED,
        "task.map_drop",
        0.5,
        "points",
    )
    for words in ("57.50 %", "58.00 %", "0.1 to 0.9 points", "500 examples of scenes", "on labels"):
        assert words in verdict.reason


def test_a_loss_beyond_it_fails_and_names_the_worst_classes() -> None:
    classes = (ClassFigure(name="cat", examples=9, source=40.0, artifact=20.0),)
    (verdict,) = verdicts(parity(metric(artifact=30.0, loss=28.0, low=25.0, high=29.0, classes=classes)))
    assert verdict.status is Status.FAILED
    assert "worst cat 40.00 % to 20.00 %" in verdict.reason


@pytest.mark.parametrize(
    ("strict", "status"),
    [pytest.param(False, Status.PASSED, id="usual"), pytest.param(True, Status.NOT_CHECKED, id="strict")],
)
def test_a_limit_inside_the_interval_is_not_decided(strict: bool, status: Status) -> None:
    (verdict,) = verdicts(parity(metric(high=1.5)), strict=strict)
    assert verdict.status is status
    assert "do not decide this limit" in verdict.reason


def test_a_failure_stays_one_where_the_limit_is_not_decided() -> None:
    (verdict,) = verdicts(parity(metric(loss=1.2, high=1.5)), strict=True)
    assert verdict.status is Status.FAILED


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(metric(source=math.nan, artifact=math.nan, loss=math.nan), "hold nothing", id="nothing there"),
        pytest.param(metric(source=0.4, useless=True), "does not do this task", id="a source that finds nothing"),
    ],
)
def test_a_source_that_shows_nothing_judges_nothing(found: MetricFact, words: str) -> None:
    (verdict,) = verdicts(parity(found))
    assert verdict.status is Status.NOT_CHECKED
    assert words in verdict.reason


def test_an_artifact_that_gives_nothing_fails_where_the_source_has_a_figure() -> None:
    (verdict,) = verdicts(parity(metric(artifact=math.nan, loss=math.nan)))
    assert verdict.status is Status.FAILED


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        pytest.param(None, "verification was switched off", "switched off", id="not verified"),
        pytest.param(
            Parity(data="d", samples=1, evaluator="e", snr_db=1, cosine=1, max_abs_error=1),
            "",
            "[model] task",
            id="none",
        ),
        pytest.param(parity(metric(tolerance="map50_drop_points")), "", "measures map on labels", id="another metric"),
    ],
)
def test_what_was_not_measured_is_not_checked(found: Parity | None, reason: str, words: str) -> None:
    (verdict,) = verdicts(found, reason=reason)
    assert verdict.status is Status.NOT_CHECKED
    assert words in verdict.reason


@pytest.mark.parametrize(("right", "status"), [(8.0, Status.NOT_CHECKED), (30.0, Status.PASSED)])
def test_a_source_that_guesses_judges_nothing(right: float, status: Status) -> None:
    """Protects from labels in another order: source and artifact are wrong alike, and the loss is none."""
    guess = Guess(answers=500, share=1 / 12)
    found = metric(source=right, artifact=right, loss=0.0, low=0.0, high=0.0, guess=guess)
    (verdict,) = verdicts(parity(found))
    assert verdict.status is status


def test_what_agrees_with_the_source_is_no_guess() -> None:
    """Without labels the source is right by definition, however few classes it chooses."""
    found = metric(source=100.0, artifact=99.5, guess=Guess(answers=2, share=0.5))
    (verdict,) = verdicts(parity(found, against="source"))
    assert verdict.status is Status.PASSED


def test_guesses_are_counted_by_answer_and_not_by_example() -> None:
    """Ten texts of fifty tokens: 85 % is more than the 80 % that are no name, as 10 answers would not tell."""
    changes = {"source": 85.0, "artifact": 85.0, "loss": 0.0, "low": 0.0, "high": 0.0}
    many, few = (metric(guess=Guess(answers=answers, share=0.8), **changes) for answers in (500, 10))
    statuses = [verdict.status for found in (many, few) for verdict in verdicts(parity(found, examples=10))]
    assert statuses == [Status.PASSED, Status.NOT_CHECKED]


def test_a_source_of_nans_judges_nothing() -> None:
    """Protects from a pass of both: the likeliest class of NaNs is the first, in the source as in the artifact."""
    output = OutputParity(name="scores", shape=(1, 2), values=2, snr_db=1, max_abs_error=1, source_not_finite=2)
    (verdict,) = verdicts(parity(metric()).model_copy(update={"outputs": (output,)}))
    assert verdict.status is Status.NOT_CHECKED
    assert "the source itself gives NaN" in verdict.reason


def test_numbers_that_are_not_compared_fail_all_the_same_where_they_are_none() -> None:
    """Protects detections of NaN from a run without any limit on the task."""
    output = OutputParity(
        name="boxes", shape=(1, 2, 4), values=8, snr_db=math.nan, max_abs_error=math.nan, not_finite=3
    )
    found = parity(metric()).model_copy(update={"outputs": (output,), "not_compared": "detections"})
    target = Target.model_validate(
        {"name": "t", "format": "tflite", "minimum_os": "Android 12", "tolerances": {"snr_db": 9}}
    )
    finite, snr = parity_verdicts(target, found)
    assert (finite.metric, finite.status) == ("parity.finite", Status.FAILED)
    assert (snr.metric, snr.status, snr.reason) == ("parity.snr", Status.NOT_CHECKED, "detections")


@pytest.mark.parametrize(
    ("against", "names"),
    [
        pytest.param("source", ["parity.snr", "task.top1_drop"], id="agreement"),
        pytest.param("labels", ["parity.snr", "accuracy.top1_drop"], id="labels"),
    ],
)
def test_a_limit_on_accuracy_has_one_verdict_that_of_agreement_where_there_are_no_labels(
    against: str, names: list[str]
) -> None:
    """Protects classifiers without labels from being the only models that nothing is said of."""
    found = parity(metric(name="top1", title="top-1", tolerance="top1_drop_points"), task="classification")
    assert found.task is not None
    measured = found.model_copy(update={"classes": 10, "task": found.task.model_copy(update={"against": against})})
    target = Target.model_validate(
        {
            "name": "t",
            "format": "tflite",
            "minimum_os": "Android 12",
            "tolerances": {"snr_db": 9, "top1_drop_points": 1},
        }
    )
    told = [*parity_verdicts(target, measured), *task_verdicts(target, measured)]
    assert [verdict.metric for verdict in told] == names
    if against == "source":
        assert (told[-1].status, told[-1].value) == (Status.PASSED, 0.5)
        assert "against the source's own results, without labels" in told[-1].reason


def test_numbers_of_a_function_of_the_user_have_limits_by_name() -> None:
    found = metric(name="pixels_off", title="pixels_off", tolerance="custom_loss", unit="1", loss=3.0)
    more = metric(name="other", title="other", tolerance="custom_loss", unit="1", loss=3.0)
    first, second = verdicts(parity(found, more), custom_loss={"pixels_off": 2.0, "missing": 1.0})
    assert (first.metric, first.status) == ("task.pixels_off", Status.FAILED)
    assert (second.metric, second.status) == ("task.missing", Status.NOT_CHECKED)
