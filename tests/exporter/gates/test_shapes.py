"""One verdict on all shapes that were tried: of the worst, and never passed where something is not known."""

import math

from exporter.data.facts.parity import Parity, ShapeParity
from exporter.data.verdict import Status, Verdict
from exporter.gates.shapes import shape_verdicts


def at(length: int, db: float | None) -> ShapeParity:
    return ShapeParity(shapes={"x": (1, length)}, runs=True, data="noise", samples=8, snr_db=db)


def judged(*shapes: ShapeParity, limit: float | None = 40.0) -> Verdict:
    parity = Parity(data="d", samples=8, evaluator="e", snr_db=None, cosine=1, max_abs_error=0, shapes=shapes)
    (verdict,) = shape_verdicts("t", parity, limit)
    return verdict


REFUSES = ShapeParity(shapes={"x": (1, 4)}, runs=False, problem="it takes [1, 8]")
UNKNOWN = ShapeParity(shapes={"x": (1, 4)}, problem="the source itself does not run there")


def test_the_worst_is_judged() -> None:
    verdict = judged(at(4, 50.0), at(6, 41.0), at(8, None))
    assert (verdict.status, verdict.value, verdict.limit) == (Status.PASSED, 41.0, 40.0)
    assert "x 1x6" in verdict.reason
    assert "tried: x 1x4; x 1x6; x 1x8" in verdict.reason
    assert judged(at(4, 39.9), at(8, None)).status is Status.FAILED
    assert judged(at(8, None), at(4, None)).value == math.inf


def test_a_shape_that_the_artifact_does_not_take_fails() -> None:
    """Whatever the others say."""
    verdict = judged(REFUSES, UNKNOWN, at(8, None), limit=None)
    assert verdict.status is Status.FAILED
    assert "does not run on x 1x4: it takes [1, 8]" in verdict.reason


def test_what_is_not_known_is_not_passed() -> None:
    """It does not hide a failure either."""
    assert judged(UNKNOWN, at(8, 60.0)).status is Status.NOT_CHECKED
    assert judged(UNKNOWN).status is Status.NOT_CHECKED
    assert judged(UNKNOWN, at(8, 30.0)).status is Status.FAILED


def test_without_a_limit_noise_is_less_than_the_signal() -> None:
    assert judged(at(4, 3.0), limit=None).status is Status.PASSED
    assert judged(at(4, -1.0), limit=None).status is Status.FAILED


def test_models_of_one_shape_have_no_such_verdict() -> None:
    parity = Parity(data="d", samples=8, evaluator="e", snr_db=None, cosine=1, max_abs_error=0)
    assert shape_verdicts("t", parity, 40.0) == []
