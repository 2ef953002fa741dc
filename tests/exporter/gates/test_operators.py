"""The gates of `check`: what is not known is never passed."""

from exporter.data.facts.checks import Judgement, OperatorCheck, OperatorFinding, Support, TargetCheck
from exporter.data.verdict import Status, exit_code
from exporter.gates.operators import operator_verdicts


def finding(
    conversion: Support, accelerator: Support | None = None, places: tuple[str, ...] = ("layer a",)
) -> OperatorFinding:
    side = None if accelerator is None else Judgement(support=accelerator)
    return OperatorFinding(operator="op", places=places, conversion=Judgement(support=conversion), accelerator=side)


def statuses(*findings: OperatorFinding, accelerator: str = "") -> dict[str, Status]:
    found = OperatorCheck(asks="Format", accelerator=accelerator, route="r", findings=findings)
    verdicts = operator_verdicts(TargetCheck(target="t", format="f", found=found))
    return {verdict.metric: verdict.status for verdict in verdicts}


REFUSED, FALLBACK = "operators.refused", "operators.fallback"


def test_all_that_is_taken_passes() -> None:
    assert statuses(finding(Support.SUPPORTED), finding(Support.REWRITTEN)) == {REFUSED: Status.PASSED}


def test_one_refusal_fails_whatever_else_is_not_known() -> None:
    assert statuses(finding(Support.REFUSED), finding(Support.NOT_CHECKED)) == {REFUSED: Status.FAILED}


def test_one_unknown_operator_leaves_the_gate_unchecked() -> None:
    assert statuses(finding(Support.SUPPORTED), finding(Support.NOT_CHECKED)) == {REFUSED: Status.NOT_CHECKED}


def test_an_accelerator_is_a_gate_of_its_own() -> None:
    taken, left = finding(Support.SUPPORTED, Support.SUPPORTED), finding(Support.SUPPORTED, Support.CPU)
    unknown = finding(Support.SUPPORTED, Support.NOT_CHECKED)
    assert statuses(taken, accelerator="GPU")[FALLBACK] is Status.PASSED
    assert statuses(taken, left, accelerator="GPU")[FALLBACK] is Status.FAILED
    assert statuses(taken, unknown, accelerator="GPU")[FALLBACK] is Status.NOT_CHECKED


def test_an_accelerator_of_which_nothing_is_said_is_not_passed() -> None:
    assert statuses(finding(Support.REFUSED), accelerator="GPU")[FALLBACK] is Status.NOT_CHECKED


def test_every_place_counts() -> None:
    found = OperatorCheck(asks="F", findings=(finding(Support.REFUSED, places=("layer a", "layer b")),))
    (verdict,) = operator_verdicts(TargetCheck(target="t", format="f", found=found))
    assert verdict.value == 2
    assert "layer a" in verdict.reason


def test_a_target_that_was_not_looked_at_is_not_checked() -> None:
    verdicts = operator_verdicts(TargetCheck(target="t", format="f", why_not="pip install it."))
    assert [verdict.status for verdict in verdicts] == [Status.NOT_CHECKED]
    assert (exit_code(verdicts, strict=False), exit_code(verdicts, strict=True)) == (0, 1)
