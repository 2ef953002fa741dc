"""The gates of `check`: operators that a target refuses, and operators that its accelerator leaves to the CPU."""

from collections.abc import Callable, Sequence

from exporter.data.facts.checks import Judgement, OperatorCheck, OperatorFinding, Support, TargetCheck
from exporter.data.verdict import Verdict
from exporter.gates.judge import judge, not_checked

REFUSED, FALLBACK = "operators.refused", "operators.fallback"
_FIRST = 3
Side = Callable[[OperatorFinding], Judgement | None]


def operator_verdicts(check: TargetCheck) -> list[Verdict]:
    """Whether the target takes every operator, and, where it names an accelerator, whether that does.

    An operator of which nothing is known leaves a gate unchecked that nothing fails.
    """
    if check.found is None:
        return [not_checked(check.target, REFUSED, "1", check.why_not, limit=0)]
    found = check.found
    verdicts = [_judged(check.target, REFUSED, found, Support.REFUSED, lambda one: one.conversion, found.asks)]
    if found.accelerator:
        side = f"the {found.accelerator}"
        verdicts.append(_judged(check.target, FALLBACK, found, Support.CPU, lambda one: one.accelerator, side))
    return verdicts


def _judged(subject: str, metric: str, found: OperatorCheck, bad: Support, side: Side, who: str) -> Verdict:
    judged = [(one, judgement) for one in found.findings if (judgement := side(one)) is not None]
    failed = [one for one, judgement in judged if judgement.support is bad]
    unknown = [one for one, judgement in judged if judgement.support is Support.NOT_CHECKED]
    total = sum(one.count for one, _ in judged)
    if not failed and (unknown or not judged):
        reason = f"of {_counted(unknown)} of {total} operators nothing is known: {_named(unknown)}"
        return not_checked(subject, metric, "1", reason if unknown else f"no operator reaches {who}", limit=0)
    reason = f"{who} takes all {total} operators"
    if failed:
        reason = f"{who}: {_counted(failed)} of {total} operators {_FAILS[bad]}: {_named(failed)}"
    return judge(subject, metric, _counted(failed), "1", limit=0, bound="at most", reason=reason)


_FAILS = {Support.REFUSED: "are refused", Support.CPU: "fall back to the CPU"}


def _counted(findings: Sequence[OperatorFinding]) -> int:
    return sum(one.count for one in findings)


def _named(findings: Sequence[OperatorFinding]) -> str:
    """The first operators with a place of each."""
    names = [f"{one.operator} in {one.places[0]}" if one.places else one.operator for one in findings]
    return ", ".join(dict.fromkeys(names[:_FIRST])) + (", ..." if len(names) > _FIRST else "")
