"""A verdict never passes what its limit forbids, and not checked is never passed."""

import math

from hypothesis import given
from hypothesis import strategies as st

from exporter.data.verdict import Status, Verdict, exit_code, worst_first
from exporter.gates.judge import judge, not_checked

numbers = st.floats(allow_nan=False, allow_infinity=True)


def verdict(status: Status, severity: str = "error") -> Verdict:
    return Verdict(subject="s", metric="m", value=None, unit="1", status=status, severity=severity, reason="r")


@given(numbers, numbers)
def test_passes_exactly_inside_the_limit(value: float, limit: float) -> None:
    most = judge("s", "m", value, "1", limit=limit, bound="at most", reason="")
    least = judge("s", "m", value, "1", limit=limit, bound="at least", reason="")
    assert (most.status is Status.PASSED) == (value <= limit)
    assert (least.status is Status.PASSED) == (value >= limit)


def test_nan_fails_both_ways() -> None:
    for bound in ("at most", "at least"):
        assert judge("s", "m", math.nan, "1", limit=1, bound=bound, reason="").status is Status.FAILED


@given(st.lists(st.tuples(st.sampled_from(Status), st.sampled_from(["error", "warning"])), max_size=6))
def test_exit_code_follows_from_the_verdicts_alone(kinds: list[tuple[Status, str]]) -> None:
    verdicts = [verdict(status, severity) for status, severity in kinds]
    failed = any(status is Status.FAILED and severity == "error" for status, severity in kinds)
    unknown = any(status is Status.NOT_CHECKED and severity == "error" for status, severity in kinds)
    assert exit_code(verdicts, strict=False) == int(failed)
    assert exit_code(verdicts, strict=True) == int(failed or unknown)
    assert exit_code(reversed(verdicts), strict=True) == exit_code(verdicts, strict=True)


def test_the_worst_comes_first() -> None:
    close = judge("a", "m", 9, "1", limit=10, bound="at most", reason="")
    wide = judge("b", "m", 1, "1", limit=10, bound="at most", reason="")
    broken = judge("c", "m", 11, "1", limit=10, bound="at most", reason="")
    unknown = not_checked("d", "m", "1", "")
    assert worst_first([wide, close, unknown, broken]) == [broken, unknown, close, wide]
