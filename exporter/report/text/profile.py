"""What each device measured, as lines."""

from exporter.data.profile import ProfileChange
from exporter.data.results import ProfileResults
from exporter.report.cells import one_line
from exporter.report.readings import profile_lines
from exporter.report.renderer import View


def render(result: ProfileResults, view: View) -> str:
    """A block of lines a device, its verdicts included."""
    blocks = ("\n".join(map(one_line, profile_lines(item))) for item in result.summaries())
    return "\n\n".join([*blocks, *map(_changes, result.changes or ())]) + "\n"


def _changes(found: ProfileChange) -> str:
    """What became of each metric of one device."""
    head = f"Against the earlier profile, {found.device}: {found.reason or ''}".rstrip()
    return "\n".join(map(one_line, [head, *(f"  {change.metric}: {change.reason}" for change in found.changes)]))
