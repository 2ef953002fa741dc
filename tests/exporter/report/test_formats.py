"""Each format holds to its schema, says the same as the verdicts, and no name breaks out of its place."""

import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema
from hypothesis import given

from exporter.data.results.sizes import SizeRow
from exporter.data.verdict import Status, Verdict
from exporter.report.cells import one_line
from exporter.report.ci.github import MAX_PER_LEVEL, visible
from exporter.report.markdown.verdicts import MAX_BYTES
from exporter.report.renderer import names_for, render
from tests.exporter.report.samples import budget, every_kind, verdict, verdicts

SCHEMAS = Path(__file__).resolve().parents[2] / "data" / "schemas"
JUNIT = xmlschema.XMLSchema(SCHEMAS / "junit.xsd")


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / name).read_text()))


SARIF, GITLAB = validator("sarif.json"), validator("gitlab_code_quality.json")


@given(verdicts)
def test_junit_is_valid_and_counts_right(found: list[Verdict]) -> None:
    """Jenkins, GitLab and Bitrise reject the whole report for one bad character or a wrong count."""
    text = render("junit", budget(found))
    text.encode("utf-8")
    JUNIT.validate(text)
    root = ET.fromstring(text)
    failed = sum(one.status is Status.FAILED and one.severity == "error" for one in found)
    assert int(root.get("failures", "")) == failed == len(root.findall(".//failure"))
    assert int(root.get("tests", "")) == len(found) == len(root.findall(".//testcase"))
    assert len(root.findall(".//skipped")) == sum(one.status is not Status.PASSED for one in found) - failed
    for suite in root.iter("testsuite"):
        assert int(suite.get("skipped", "")) == len(suite.findall(".//skipped"))


def test_junit_shows_a_gate_that_was_not_checked_as_skipped_never_as_passed() -> None:
    """Not checked is never passed, also in a format that has only two outcomes."""
    root = ET.fromstring(render("junit", budget([verdict(status=Status.NOT_CHECKED)])))
    assert root.find(".//skipped") is not None
    assert root.find(".//failure") is None


@given(verdicts)
def test_sarif_is_valid_and_points_at_the_subject(found: list[Verdict]) -> None:
    """Code scanning refuses a file that breaks the schema, and its URIs must survive any file name."""
    document = json.loads(render("sarif", budget(found)))
    SARIF.validate(document)
    run = document["runs"][0]
    shown = [one for one in found if one.status is not Status.PASSED]
    assert len(run["results"]) == len(shown)
    for result, one in zip(run["results"], shown, strict=True):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == one.metric
        assert (result["kind"] == "fail") == (one.status is Status.FAILED)
        assert ("suppressions" in result) == (one.waiver is not None)
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert unquote(uri, errors="surrogatepass") == one.subject


@given(verdicts)
def test_gitlab_is_valid_with_unique_fingerprints(found: list[Verdict]) -> None:
    """GitLab drops issues whose fingerprints are equal."""
    issues = json.loads(render("gitlab", budget(found)))
    GITLAB.validate(issues)
    assert len(issues) == sum(one.status is not Status.PASSED for one in found)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def unescape(text: str) -> str:
    """As the runner reads workflow commands (actions/runner, ``ActionCommand``)."""
    for escaped, plain in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escaped, plain)
    return text


@given(verdicts)
def test_github_escapes_so_that_the_runner_reads_back_the_names(found: list[Verdict]) -> None:
    """A file called '::error::' must not become a command, and a comma must not end a property."""
    text = render("github", budget(found))
    lines = text.split("\n")[:-1]
    assert "\r" not in text
    levels: Counter[str] = Counter()
    for line in lines:
        match = re.fullmatch(r"::(error|warning|notice)(?: file=([^,:]*),title=([^,:]*))?::(.*)", line, re.S)
        assert match, line
        levels[match[1]] += 1
        if match[2] is not None:
            assert any(unescape(match[2]) == visible(one.subject) for one in found)
    assert all(count <= MAX_PER_LEVEL for count in levels.values())
    failed = any(one.status is Status.FAILED and one.severity == "error" for one in found)
    assert bool(levels["error"]) == failed


def test_github_says_how_many_annotations_it_leaves_out() -> None:
    """GitHub drops the eleventh annotation without a word."""
    lines = render("github", budget([verdict(subject=f"{number}.apk") for number in range(25)])).splitlines()
    assert len(lines) == MAX_PER_LEVEL
    assert "16 more" in lines[-1]


@given(verdicts)
def test_teamcity_has_one_test_a_verdict_and_reads_back_the_names(found: list[Verdict]) -> None:
    """A build fails for what fails a command, and for nothing else; what was not checked is ignored, never passed."""
    wanted = []
    for one in found:
        name = one_line(f"{one.subject}: {one.metric}")
        failed = one.status is Status.FAILED and one.severity == "error"
        if failed or one.status is Status.PASSED:
            wanted += [("testStarted", name), *[("testFailed", name)] * failed, ("testFinished", name)]
        else:
            wanted.append(("testIgnored", name))
    lines = render("teamcity", budget(found)).splitlines()
    messages = [re.fullmatch(r"##teamcity\[(\w+) name='((?:[^|']|\|.)*)'.*\]", line) for line in lines]
    assert [(found[1], re.sub(r"\|(.)", r"\1", found[2])) for found in messages if found] == wanted


@given(verdicts)
def test_markdown_keeps_every_verdict_in_its_row(found: list[Verdict]) -> None:
    """A pipe or a line end in a name would move the figures of a reviewer's table, and HTML would be shown as such."""
    text = render("markdown", budget(found, [SizeRow(one.subject, 1000, None) for one in found]))
    lines = text.split("\n")
    rows = [line for line in lines if line.startswith("|") and not line.startswith("|---")]
    assert len(rows) == (2 * len(found) + 2 if found else 0)
    for line in rows:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) in (6, 7)
    assert not re.search(r"(?<!\\)(?:\\\\)*<(?!$)", text.replace("&nbsp;", ""))


def test_markdown_says_what_failed_and_how_it_changed() -> None:
    """The headline and the change are what a reviewer reads."""
    rows = [SizeRow("app.ipa", 6_000_000, 9_000_000, 5_000_000, 9_000_000)]
    text = render("markdown", budget(every_kind(), rows))
    assert "## Sizes: 1 failed, 2 warned, 1 not checked" in text
    assert "+1.00 MB" in text.replace("\\", "")
    assert "no change" in text
    assert "⚠️ waived" in text


def test_markdown_stays_below_what_github_takes() -> None:
    """A job summary over 1 MiB is dropped whole."""
    many = [verdict(subject=f"{number}" * 40, reason="x" * 200) for number in range(9000)]
    text = render("markdown", budget(many))
    assert len(text.encode()) <= MAX_BYTES
    assert "9000 verdicts" in text


@pytest.mark.parametrize("name", names_for("budget"))
def test_no_verdicts_are_a_valid_report(name: str) -> None:
    """A run without gates must not break the CI step that reads the report."""
    assert isinstance(render(name, budget([])), str)
