"""One verdict on sequences of steps, never passed where something is not known."""

import math

from exporter.data.facts.parity import Parity, StepsParity
from exporter.data.verdict import Status, Verdict
from exporter.gates.steps import steps_verdicts


def judged(limit: float | None = 40.0, **steps: object) -> Verdict:
    found = StepsParity.model_validate({"sequences": 2, "steps": 64, **steps})
    parity = Parity(data="d", samples=8, evaluator="e", snr_db=None, cosine=1, max_abs_error=0, steps=found)
    (verdict,) = steps_verdicts("t", parity, limit)
    return verdict


def test_the_ratio_over_all_steps_is_judged() -> None:
    verdict = judged(runs=True, snr_db=41.0, agreed=127)
    assert (verdict.status, verdict.value, verdict.limit) == (Status.PASSED, 41.0, 40.0)
    assert "the same greatest value at 127 of 128" in verdict.reason
    assert judged(runs=True, snr_db=39.9).status is Status.FAILED
    assert judged(runs=True, snr_db=None).value == math.inf
    assert judged(None, runs=True, snr_db=-0.1).status is Status.FAILED


def test_an_artifact_that_does_not_run_fails_and_what_is_not_known_is_not_passed() -> None:
    refused = judged(runs=False, problem="it takes 4 inputs")
    assert refused.status is Status.FAILED
    assert "it takes 4 inputs" in refused.reason
    unknown = judged(problem="no such operation here")
    assert (unknown.status, unknown.reason) == (Status.NOT_CHECKED, "no such operation here")


def test_a_model_that_carries_nothing_has_no_verdict() -> None:
    parity = Parity(data="d", samples=8, evaluator="e", snr_db=None, cosine=1, max_abs_error=0)
    assert steps_verdicts("t", parity, 40.0) == []
