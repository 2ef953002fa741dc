"""What each device measured, as lines."""

from exporter.data.facts.profile_changes import ProfileChange
from exporter.data.results.commands import ProfileResults
from exporter.report.cells import one_line
from exporter.report.readings import profile_lines
from exporter.report.renderer import View


def render(result: ProfileResults, view: View) -> str:
    """A block of lines a device, its verdicts included."""
    blocks = ("\n".join(map(one_line, profile_lines(item))) for item in result.summaries())
    return "\n\n".join((*blocks, *map(_changes, result.changes or ()))) + "\n"


def _changes(change: ProfileChange) -> str:
    lines = [f"{change.device} against the earlier profile: {change.reason or ''}".rstrip()]
    lines += [f"  {one.metric}: {one.reason}" for one in change.changes]
    return "\n".join(map(one_line, lines))
