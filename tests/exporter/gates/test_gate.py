"""The gates: nothing passes above its limit, no order and no rounding matters, waivers end."""

import datetime as dt
import re
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from exporter.config.budgets import Budget, BudgetFile, Growth, Waiver
from exporter.data.facts.sizes import ByteCount, Finding, Measurement, Part
from exporter.data.verdict import Status, worst_first
from exporter.gates.baseline import Baseline, from_measurements
from exporter.gates.byte_limits import Gates, judge_bytes, total
from exporter.gates.sizes import judge_sizes
from tests.exporter.gates.figures import OPTIONS, TODAY, judge, measurement, plain

sizes = st.integers(0, 2**52)
units = st.sampled_from(
    [("B", 1), ("kB", 1000), ("MB", 10**6), ("GB", 10**9), ("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30)]
)
names = st.sampled_from(["a.apk", "b.ipa", "dir/c.tflite", "d\n.aab"])


@st.composite
def quantities(draw: st.DrawFn) -> tuple[str, int]:
    """A size as people write it, and its bytes."""
    unit, scale = draw(units)
    number = draw(st.integers(0, 2000))
    return f"{number} {unit}", number * scale


@st.composite
def counts(draw: st.DrawFn) -> ByteCount:
    value = draw(sizes)
    if draw(st.booleans()):
        return ByteCount.exact(value, "counted")
    low, high = draw(st.integers(0, value)), draw(st.integers(value, 2**53))
    return ByteCount.estimate(value, "estimated", low=low, high=high, rounded=draw(st.booleans()))


measurements = st.lists(
    st.builds(measurement, names, st.none() | counts(), st.none() | counts()),
    min_size=1,
    max_size=4,
    unique_by=lambda found: found.subject,
)
growths = st.one_of(
    st.builds(lambda size: Growth(bytes=size[0]), quantities()),
    st.builds(lambda percent: Growth(percent=f"{percent} %"), st.integers(0, 300)),
    st.builds(
        lambda size, percent, when: Growth(bytes=size[0], percent=f"{percent}.5 %", fail_when=when),
        quantities(),
        st.integers(0, 300),
        st.sampled_from(["either", "both"]),
    ),
)
budgets = st.lists(
    st.builds(
        lambda metric, subject, limit, growth, drift, severity: Budget(
            metric=metric, subject=subject, max=limit[0], growth=growth, drift=drift, severity=severity
        ),
        st.sampled_from(["download", "install", "size"]),
        st.sampled_from(["*", "total", "*.apk", "b.*"]),
        quantities(),
        st.none() | growths,
        st.none() | growths,
        st.sampled_from(["error", "warn"]),
    ),
    max_size=4,
)
waivers = st.lists(
    st.builds(
        Waiver,
        subject=st.sampled_from(["*", "a.apk", "total", "z"]),
        metric=st.sampled_from(["*", "download.*", "x"]),
        reason=st.just("a voice model"),
        author=st.sampled_from(["Ada", "Bo"]),
        expires=st.dates(dt.date(2026, 11, 20), dt.date(2026, 11, 26)),
    ),
    max_size=3,
)


@st.composite
def gates(draw: st.DrawFn) -> Gates:
    def baseline() -> Baseline | None:
        return draw(st.none() | st.builds(lambda found: from_measurements(found, "old"), measurements))

    file = BudgetFile(budgets=tuple(draw(budgets)), waivers=tuple(draw(waivers)))
    return Gates(today=TODAY, budgets=file, baseline=baseline(), anchor=baseline(), baseline_name="o", anchor_name="a")


@given(measurements, gates())
def test_no_verdict_passes_above_its_limit(found: list[Measurement], judged_by: Gates) -> None:
    """The one promise of a gate, over sizes, units, baselines and waivers."""
    for verdict in judge_sizes(found, judged_by, OPTIONS):
        if verdict.status is Status.PASSED:
            assert verdict.value is not None
            assert verdict.limit is not None
            assert verdict.value <= verdict.limit
            assert verdict.waiver is None
        if verdict.value is not None and verdict.limit is not None and verdict.value <= verdict.limit:
            assert verdict.status is not Status.FAILED
        assert (verdict.value is None) <= (verdict.status is Status.NOT_CHECKED)


@given(measurements, gates())
def test_the_order_of_subjects_budgets_and_waivers_does_not_matter(found: list[Measurement], judged_by: Gates) -> None:
    """A shell's glob and a file system order as they like."""

    def judged(subjects: list[Measurement], file: BudgetFile) -> list[str]:
        changed = Gates(**{**judged_by.__dict__, "budgets": file})
        return sorted(verdict.model_dump_json() for verdict in judge_sizes(subjects, changed, OPTIONS))

    file = judged_by.budgets
    turned = file.model_copy(update={"budgets": file.budgets[::-1], "waivers": file.waivers[::-1]})
    expected = judged(found, file)
    for order in list(permutations(found))[:6]:
        assert judged(list(order), turned) == expected


@given(measurements, gates())
def test_a_waiver_changes_no_status(found: list[Measurement], judged_by: Gates) -> None:
    """A waived failure stays a failure that everyone sees; it only does not fail the run."""
    bare = Gates(**{**judged_by.__dict__, "budgets": judged_by.budgets.model_copy(update={"waivers": ()})})
    with_them, without = judge_sizes(found, judged_by, OPTIONS), judge_sizes(found, bare, OPTIONS)
    assert [(one.subject, one.metric, one.status, one.value, one.limit) for one in with_them] == [
        (one.subject, one.metric, one.status, one.value, one.limit) for one in without
    ]
    for one in with_them:
        if one.waiver:
            assert one.severity == "warning"
            assert "a voice model" in one.waiver


@given(quantities(), st.integers(-1, 1))
def test_one_byte_decides(limit: tuple[str, int], off: int) -> None:
    """A figure just over is never shown as equal to its limit: then the text has every digit."""
    size = max(0, limit[1] + off)
    budget = Budget(metric="download", max=limit[0])
    verdict = judge_bytes("s", "m", ByteCount.exact(size, ""), budget.max or 0, "it", severity="error")
    assert (verdict.status is Status.PASSED) == (size <= limit[1])
    shown = re.fullmatch(r"it takes (.+), (?:over|within) (.+)\.", verdict.reason)
    assert shown
    assert (shown[1] == shown[2]) == (size == limit[1])


def test_each_model_has_its_own_budget() -> None:
    """Weights and code are budgeted apart."""
    parts = (
        Part(name="assets/voice.tflite", role="model", size_bytes=9, install_bytes=9, download_bytes=9, files=1),
        Part(name="rest", role="rest", size_bytes=99, install_bytes=99, download_bytes=99, files=1),
    )
    found = measurement("a.apk", None, ByteCount.exact(108, ""), parts=parts)
    budget = Budget(metric="download", model="voice*", max="8 B", growth=Growth(bytes="1 B"))
    old = from_measurements([found], "old")
    verdicts = judge([found], budget=budget, baseline=old, baseline_name="old")
    assert [(one.subject, one.metric, one.status) for one in verdicts] == [
        ("a.apk/assets/voice.tflite", "download.max", Status.FAILED),
        ("a.apk/assets/voice.tflite", "download.growth", Status.PASSED),
    ]


def test_a_budget_for_nothing_is_not_checked() -> None:
    """A renamed file must not switch its budget off."""
    found = judge([plain("a.apk", 5)], budget=Budget(metric="download", subject="b.*", max="9 B"))
    assert [one.status for one in found] == [Status.NOT_CHECKED]


def test_the_total_is_judged_like_a_subject() -> None:
    """Three models of 4 MB each fit; together they may not."""
    found = [plain("a.apk", 4), plain("b.apk", 5)]
    whole = total(found, OPTIONS)
    assert whole is not None
    assert whole.download is not None
    assert whole.download.value == 9
    old = from_measurements([plain("a.apk", 4), plain("b.apk", 4)], "old")
    budget = Budget(metric="download", subject="total", max="8 B", growth=Growth(bytes="1 B"))
    verdicts = judge(found, budget=budget, baseline=old, baseline_name="old")
    assert [(one.metric, one.status) for one in verdicts] == [
        ("download.max", Status.FAILED),
        ("download.growth", Status.PASSED),
    ]


def test_a_total_of_what_is_partly_unknown_is_unknown() -> None:
    """Half a sum is no sum."""
    whole = total([plain("a.apk", 4), measurement("b", None, None)], OPTIONS)
    assert whole is not None
    assert whole.download is None
    assert "b" in whole.unavailable


def test_a_waiver_holds_through_its_last_day_and_then_says_that_it_ended() -> None:
    """An exception without an end becomes the rule."""
    budget = Budget(metric="download", max="1 B")
    for days, severity in ((0, "warning"), (1, "error")):
        waiver = Waiver(subject="a.apk", metric="download.*", reason="voice", author="Ada", expires=TODAY)
        gates = Gates(today=TODAY + dt.timedelta(days=days), budgets=BudgetFile(budgets=(budget,), waivers=(waiver,)))
        verdict = judge_sizes([plain("build/a.apk", 5)], gates, OPTIONS)[0]
        assert verdict.status is Status.FAILED
        assert verdict.severity == severity
        assert ("expired on 2026-11-23" in verdict.reason) == (days == 1)


def test_packaging_faults_have_the_severity_that_the_team_gave_them() -> None:
    """A deflated model crashes the app: an error unless the team says otherwise."""
    findings = tuple(
        Finding(kind=kind, name="m", wasted_bytes=5, sentence="it is") for kind in ("duplicate", "compressed", "empty")
    )
    found = measurement("a.apk", None, None, findings=findings)
    default = {one.metric: one.severity for one in judge([found])}
    assert default == {"packaging.duplicate": "warning", "packaging.compressed": "error", "packaging.empty": "error"}
    file = BudgetFile(duplicates="error", compressed="off")
    changed = judge_sizes([found], Gates(today=TODAY, budgets=file), OPTIONS)
    assert {one.metric: one.severity for one in changed} == {"packaging.duplicate": "error", "packaging.empty": "error"}


def test_the_budgets_of_a_run_are_judged() -> None:
    """run.json carries its target's limits."""
    found = measurement("run.json:pixel", None, None, limits={"size": 0, "download": 5})
    verdicts = {one.metric: one.status for one in judge([found])}
    assert verdicts == {"size": Status.FAILED, "download": Status.NOT_CHECKED}


def test_a_target_s_limit_is_one_finding_for_the_run_and_for_the_budget() -> None:
    """Code scanning knows a finding by its subject and metric, which must not change with the command that looked."""
    limits = {"size": 0, "download": 5}
    by_run = measurement("pixel", None, None, target="pixel", limits=limits)
    by_budget = measurement("build/run.json:pixel", None, None, target="pixel", limits=limits)
    assert judge([by_run]) == judge([by_budget])
    assert [(one.subject, one.metric) for one in judge([by_run])] == [("pixel", "size"), ("pixel", "download")]


@given(measurements, gates())
def test_the_worst_comes_first(found: list[Measurement], judged_by: Gates) -> None:
    """No verdict hides another, and nobody has to scroll for the failure."""
    verdicts = worst_first(judge_sizes(found, judged_by, OPTIONS))
    rank = [(one.status is not Status.FAILED, one.status is Status.PASSED) for one in verdicts]
    assert rank == sorted(rank)
