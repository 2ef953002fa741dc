"""TeamCity service messages: one test a verdict, so that gates show among the tests of a build."""

from exporter.data.verdict import Status, Verdict
from exporter.report.cells import one_line
from exporter.report.renderer import Result, View
from exporter.report.summary import excused, fails

_ESCAPES = {"|": "||", "'": "|'", "[": "|[", "]": "|]"}


def render(result: Result, view: View) -> str:
    """Lines for standard output, where the build's agent reads them; source: TeamCity docs, "Service messages"."""
    return "".join(f"{line}\n" for verdict in result.verdicts for line in _lines(verdict))


def _lines(verdict: Verdict) -> list[str]:
    name = f"name='{_text(f'{verdict.subject}: {verdict.metric}')}'"
    said = f"message='{_text(excused(verdict))}'"
    outcome = [f"##teamcity[testFailed {name} {said}]"] if fails(verdict) else []
    if verdict.status is not Status.PASSED and not outcome:
        return [f"##teamcity[testIgnored {name} {said}]"]
    return [f"##teamcity[testStarted {name}]", *outcome, f"##teamcity[testFinished {name}]"]


def _text(text: str) -> str:
    return "".join(_ESCAPES.get(c, c) for c in one_line(text))
