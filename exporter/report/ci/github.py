"""GitHub Actions workflow commands: annotations of the gates that failed or could not be checked."""

from exporter.data.verdict import Status, Verdict
from exporter.report.cells import one_line
from exporter.report.renderer import Result, View
from exporter.report.summary import excused

# GitHub shows ten annotations of each level for a step and drops the rest without a word.
MAX_PER_LEVEL = 10


def render(result: Result, view: View) -> str:
    """Lines for standard output; beyond ten of a level, the last one says how many more there are.

    Source: GitHub docs, "Workflow commands for GitHub Actions"; escaping as in actions/toolkit.
    """
    by_level: dict[str, list[Verdict]] = {"error": [], "warning": [], "notice": []}
    for verdict in result.verdicts:
        if verdict.status is not Status.PASSED:
            by_level[_level(verdict)].append(verdict)
    lines = []
    for level, found in by_level.items():
        kept = found if len(found) <= MAX_PER_LEVEL else found[: MAX_PER_LEVEL - 1]
        lines += [_annotation(level, verdict) for verdict in kept]
        if len(found) > len(kept):
            lines.append(f"::{level}::{len(found) - len(kept)} more; the job summary has all.")
    return "".join(f"{line}\n" for line in lines)


def _level(verdict: Verdict) -> str:
    if verdict.status is Status.NOT_CHECKED:
        return "notice"
    return "error" if verdict.severity == "error" else "warning"


def _annotation(level: str, verdict: Verdict) -> str:
    title = verdict.metric if verdict.status is Status.FAILED else f"{verdict.metric} (not checked)"
    where = f"file={_property(verdict.subject)},title={_property(title)}"
    return f"::{level} {where}::{_data(f'{verdict.subject}: {excused(verdict)}')}"


def visible(text: str) -> str:
    """`text` with control characters written out, but for line ends, which commands can hold."""
    return "".join(c if c in "\r\n" else one_line(c) for c in text)


def _data(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
