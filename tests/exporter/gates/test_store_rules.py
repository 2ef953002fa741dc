"""Rules of the stores: sources, doubts, figures on both sides of a limit, parts of an app."""

import datetime as dt

from exporter.data.facts.sizes import ByteCount, Facet, Measurement
from exporter.data.verdict import Status
from exporter.sizes.stores import Rule, Selected
from tests.exporter.gates.figures import TODAY, judge, measurement


def rule(limit: str = "10 B", **changes: object) -> Selected:
    fields = {
        "id": "store.app",
        "stores": ("s",),
        "title": "the app",
        "limit": limit,
        "counts": "uncompressed",
        "scope": "app",
        "source": "the page",
        "seen": TODAY,
        **changes,
    }
    return Selected(rule=Rule.model_validate(fields))


def stored(size: ByteCount, **changes: object) -> Measurement:
    facet = Facet.model_validate({"scope": "app", "counts": "uncompressed", "size": size, **changes})
    return measurement("a.ipa", None, None, facets=(facet,))


def test_a_store_rule_names_its_source_when_it_fails_and_its_age_when_it_is_old() -> None:
    """Whoever reads the failure must be able to check the rule."""
    found = stored(ByteCount.exact(11, ""))
    fresh = judge([found], rules={"a.ipa": [rule()]})[0]
    assert fresh.status is Status.FAILED
    assert "the page, seen 2026-11-23" in fresh.reason
    old = judge([found], rules={"a.ipa": [rule("99 B", seen=dt.date(2025, 11, 22))]})[0]
    assert old.status is Status.PASSED
    assert "more than a year ago" in old.reason


def test_breaking_a_rule_that_may_not_hold_is_not_checked() -> None:
    """Neither a failure nor a pass: the minimum OS decides, and the reason says so."""
    doubtful = rule().model_copy(update={"in_doubt": True, "supposed": "the minimum OS is not given"})
    for size, status in ((11, Status.NOT_CHECKED), (10, Status.PASSED)):
        verdict = judge([stored(ByteCount.exact(size, ""))], rules={"a.ipa": [doubtful]})[0]
        assert verdict.status is status
        assert "The minimum OS is not given." in verdict.reason


def test_a_figure_on_both_sides_of_a_limit_is_not_judged() -> None:
    """Xcode's 15.0 MB against a limit of 15 MB."""
    found = stored(ByteCount.estimate(10, "rounded", low=9, high=12))
    verdict = judge([found], rules={"a.ipa": [rule()]})[0]
    assert verdict.status is Status.NOT_CHECKED
    assert "between 9 B and 12 B" in verdict.reason


def test_the_model_alone_proves_nothing_below_the_limit() -> None:
    """The rest of the app is unknown; above the limit the model alone is enough to fail."""
    for size, status in ((10, Status.NOT_CHECKED), (11, Status.FAILED)):
        found = stored(ByteCount.exact(size, ""), partial=True)
        verdict = judge([found], rules={"a.ipa": [rule()]})[0]
        assert verdict.status is status
    assert "--app-size" in judge([stored(ByteCount.exact(1, ""), partial=True)], rules={"a.ipa": [rule()]})[0].reason


def test_a_store_without_a_rule_for_the_subject_is_not_checked() -> None:
    """`--store app-clip` on an APK must not look passed."""
    verdicts = judge([stored(ByteCount.exact(1, ""))], rules={"a.ipa": [rule(scope="app-clip")]})
    assert [one.status for one in verdicts] == [Status.NOT_CHECKED]
