"""Phones that are not what they were, worst first."""

from exporter.data.results.lab import DriftResult
from exporter.data.verdict import Status, worst_first
from exporter.report.cells import one_line
from exporter.report.renderer import View

WORDS = {Status.PASSED: "steady", Status.FAILED: "DRIFTED", Status.NOT_CHECKED: "not checked"}


def render(result: DriftResult, view: View) -> str:
    """A line a phone."""
    rows = [
        (one_line(one.subject), f"{one_line(one.metric)} {WORDS[one.status]}", one_line(one.reason))
        for one in worst_first(result.verdicts)
    ]
    if not rows:
        return "No phone was measured.\n"
    wide, long = (max(len(row[place]) for row in rows) for place in (0, 1))
    lines = [f"{name.ljust(wide)}  {word.ljust(long)}  {reason}" for name, word, reason in rows]
    return "".join(f"{line}\n" for line in [one_line(result.model), *lines])
