"""What grew since a baseline: bytes and percents, a baseline that is not there, many small steps."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from exporter.config.budgets import Budget, Growth
from exporter.data.verdict import Status, Verdict, exit_code
from exporter.gates.baseline import from_measurements
from tests.exporter.gates.figures import judge, plain


@given(st.integers(1, 2**50), st.integers(0, 2**40), st.integers(1, 10**6), st.integers(1, 10**4))
def test_rounding_never_flips_a_percentage(before: int, change: int, numerator: int, denominator: int) -> None:
    """The exact ratio decides, not a float of it."""
    percent = Fraction(numerator, denominator)
    allowed = Growth(percent=percent / 100)
    limit = allowed.limit_bytes(before)
    assert (change <= limit) == (Fraction(change, before) * 100 <= percent)


def grown(before: int, after: int, **growth: object) -> Verdict:
    budget = Budget(metric="download", growth=Growth.model_validate(growth))
    old = from_measurements([plain("a.apk", before)], "old.json")
    return judge([plain("a.apk", after)], budget=budget, baseline=old, baseline_name="old.json")[0]


def test_either_and_both() -> None:
    """Ten bytes more are one percent of a thousand: 'either' fails on the stricter of two, 'both' on the looser."""
    assert grown(1000, 1010, bytes="5 B", percent="2 %").status is Status.FAILED
    assert grown(1000, 1010, bytes="5 B", percent="2 %", fail_when="both").status is Status.PASSED
    assert grown(1000, 1021, bytes="5 B", percent="2 %", fail_when="both").status is Status.FAILED
    assert grown(1000, 1021, bytes="30 B", percent="2 %").status is Status.FAILED
    assert grown(1000, 900, bytes="0 B").status is Status.PASSED


def test_growth_from_nothing_is_all_growth() -> None:
    """A percentage of zero bytes is zero bytes; nothing divides by it."""
    assert grown(0, 1, percent="100 %").status is Status.FAILED
    assert grown(0, 0, percent="0 %").status is Status.PASSED


def test_a_missing_baseline_is_a_verdict_of_its_own() -> None:
    """A first build must neither pass in silence nor fail; --strict can fail it."""
    budget = Budget(metric="download", growth=Growth(percent="1 %"))
    for name, told in (("", "no --baseline is given"), ("old.json", "old.json has no figure for it")):
        found = judge([plain("a.apk", 5)], budget=budget, baseline_name=name)
        assert [one.status for one in found] == [Status.NOT_CHECKED]
        assert told in found[0].reason
        assert "--write-baseline" in found[0].reason
        assert exit_code(found, strict=False) == 0
        assert exit_code(found, strict=True) == 1


def test_many_small_steps_are_caught_by_the_anchor() -> None:
    """Each build grew by less than one percent; together they did not (metabase#77780)."""
    budget = Budget(metric="download", growth=Growth(percent="1 %"), drift=Growth(percent="5 %"))
    last, anchor = from_measurements([plain("a.apk", 1080)], "l"), from_measurements([plain("a.apk", 1000)], "a")
    found = judge(
        [plain("a.apk", 1090)], budget=budget, baseline=last, anchor=anchor, baseline_name="l", anchor_name="a"
    )
    assert {one.metric: one.status for one in found} == {
        "download.growth": Status.PASSED,
        "download.drift": Status.FAILED,
    }
