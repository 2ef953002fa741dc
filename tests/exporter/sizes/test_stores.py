"""Store rules: dated, sourced, chosen by minimum OS and invocation, overridable."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.sizes.stores import Rule, load_rules, select, shipped_rules, store_names, version_key

TODAY = dt.date(2026, 11, 28)


def chosen(store: str, minimum_os: str | None = None, invocation: str | None = None) -> dict[str, int]:
    found = select(shipped_rules(), [store], minimum_os=minimum_os, invocation=invocation)
    return {one.rule.group or one.rule.id: one.rule.limit for one in found}


def test_every_rule_names_its_source_and_its_day() -> None:
    """Other tools hard-code limits that are years old: a rule without source and date cannot be checked again."""
    for rule in shipped_rules():
        assert rule.source
        assert dt.date(2026, 1, 1) <= rule.seen <= TODAY, rule.id
        assert not rule.stale(TODAY)


def test_ids_are_unique() -> None:
    """A second rule of one id would silently replace the first."""
    ids = [rule.id for rule in shipped_rules()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("minimum_os", "invocation", "limit"),
    [
        ("15.0", None, 10_000_000),
        ("15.6", "digital", 10_000_000),
        ("16", None, 15_000_000),
        ("16.4", "digital", 15_000_000),
        ("17", None, 15_000_000),
        ("17", "physical", 15_000_000),
        ("iOS 17", "digital", 100_000_000),
        ("18.1", "demo-link", 100_000_000),
        (None, None, 10_000_000),
        (None, "digital", 10_000_000),
    ],
)
def test_app_clip_limit_hangs_on_deployment_target_and_invocation(
    minimum_os: str | None, invocation: str | None, limit: int
) -> None:
    """The 50 MB that older tools print were never the limit of a clip with a physical invocation."""
    assert chosen("app-clip", minimum_os, invocation)["app-clip.bundle"] == limit


def test_a_choice_without_minimum_os_says_what_it_supposed() -> None:
    """The strictest limit is a guess, and the report must not hide that."""
    found = {
        one.rule.group: one.supposed for one in select(shipped_rules(), ["app-clip"], minimum_os=None, invocation=None)
    }
    assert "--minimum-os" in found["app-clip.bundle"]


def test_a_lone_rule_that_may_not_hold_is_in_doubt() -> None:
    """An APK of 2 GB without a known minimum OS must not fail for Android 4."""
    found = {one.rule.id: one for one in select(shipped_rules(), ["google-play"], minimum_os=None, invocation=None)}
    assert found["google-play.before-android-5"].in_doubt
    assert not found["google-play.base-module"].in_doubt


def test_on_demand_resources_grew_with_ios_18() -> None:
    """Both limits are in force, each for its systems."""
    assert chosen("app-store", "17.9")["app-store.on-demand-resource"] == 512_000_000
    assert chosen("app-store", "18")["app-store.on-demand-resource"] == 8_000_000_000


def test_google_play_has_todays_limits() -> None:
    """Base modules went from 150 over 200 to 500 MB."""
    limits = chosen("google-play", "12")
    assert limits["google-play.base-module"] == 500_000_000
    assert limits["google-play.asset-pack"] == 1_500_000_000
    assert "google-play.before-android-5" not in limits
    assert "google-play.before-android-5" in chosen("google-play", "4.4")


def test_a_file_of_the_users_replaces_and_switches_off(tmp_path: Path) -> None:
    """Limits change between releases of this program."""
    path = tmp_path / "rules.toml"
    path.write_text(
        """
        schema_version = 1
        [[rules]]
        id = "watchos.bundle"
        stores = ["watchos"]
        title = "the watch app"
        limit = "100 MB"
        counts = "uncompressed"
        scope = "watch-app"
        source = "the page of 2027"
        seen = 2027-01-02
        [[rules]]
        id = "google-play.wifi"
        stores = ["google-play"]
        title = "-"
        limit = "1 B"
        counts = "download"
        scope = "install-time"
        source = "-"
        seen = 2027-01-02
        enabled = false
        [[rules]]
        id = "galaxy.apk"
        stores = ["galaxy-store"]
        title = "an APK"
        limit = "4 GB"
        counts = "download"
        scope = "apk"
        source = "our contract"
        seen = 2027-01-02
        """
    )
    rules = load_rules(path)
    by_id = {rule.id: rule for rule in rules}
    assert by_id["watchos.bundle"].limit == 100_000_000
    assert "google-play.wifi" not in by_id
    assert "galaxy-store" in store_names(rules)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules = []", "no schema_version"),
        ("schema_version = 2", "knows versions up to 1"),
        ('schema_version = 1\n[[rules]]\nid = "x"\nlimit = 5', "rules.0.limit: write a size with its unit"),
        ('schema_version = 1\n[[rules]]\nid = "x"\nlimt = "5 MB"', "did you mean 'limit'"),
        ('schema_version = 1\n[[rules]]\nminimum_os = "=> 16"', "rules.0.minimum_os"),
        ("schema_version = ", "TOML syntax"),
    ],
)
def test_a_bad_rules_file_is_one_clear_error(tmp_path: Path, text: str, told: str) -> None:
    """A mistyped rule must not be ignored: the gate would pass."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(UsageProblem, match="rules") as caught:
        load_rules(path)
    assert told in str(caught.value)


def test_an_unknown_store_names_those_there_are() -> None:
    """`--store appstore` must not mean "no rules"."""
    with pytest.raises(UsageProblem, match="app-store"):
        chosen("appstore")


def test_a_rule_is_stale_after_a_year() -> None:
    """Its verdicts say so."""
    rule = shipped_rules()[0]
    assert not rule.stale(rule.seen + dt.timedelta(days=365))
    assert rule.stale(rule.seen + dt.timedelta(days=366))


def rule(limit: int, minimum_os: str) -> Rule:
    return Rule(
        id=f"r{limit}{minimum_os}",
        group="g",
        stores=("s",),
        title="t",
        limit=f"{limit} B",
        counts="download",
        scope="app",
        source="x",
        seen=TODAY,
        minimum_os=minimum_os,
    )


versions = st.integers(0, 30)
conditions = st.builds(lambda sign, version: f"{sign}{version}", st.sampled_from([">=", "<"]), versions)
rules = st.lists(st.builds(rule, st.integers(1, 10**9), conditions), min_size=1, max_size=6)


@given(rules, versions)
def test_without_a_minimum_os_no_limit_is_looser_than_with_one(found: list[Rule], version: int) -> None:
    """Not knowing must never let pass what knowing would refuse."""
    unknown = select(found, ["s"], minimum_os=None, invocation=None)
    known = select(found, ["s"], minimum_os=str(version), invocation=None)
    for one in known:
        assert unknown[0].rule.limit <= one.rule.limit


@given(st.permutations([rule(1, "<9"), rule(5, ">=9"), rule(7, ">=9 <12"), rule(3, "")]), versions)
def test_the_order_of_rules_does_not_matter(found: list[Rule], version: int) -> None:
    """A user's file may have any order."""
    one = select(found, ["s"], minimum_os=str(version), invocation=None)[0]
    assert one.rule.limit == (3 if version < 9 else 7 if version < 12 else 5)


@pytest.mark.parametrize("text", ["seventeen", "", "17,1", "-1", "iOS"])
def test_a_version_that_is_none_is_refused(text: str) -> None:
    """A typing error must not select another limit."""
    with pytest.raises(UsageProblem, match="not a version"):
        version_key(text)
