"""What of this machine works, as lines: what is at fault last, where it is read, with the command that mends it."""

from collections.abc import Iterator

from exporter.data.results.doctor import Checkup, DoctorResult
from exporter.report.cells import one_line
from exporter.report.renderer import View


def render(result: DoctorResult, view: View) -> str:
    """A line a thing, under it what mends it; at the end how many are at fault."""
    return "".join(f"{one_line(line)}\n" for line in _lines(result))


def _lines(result: DoctorResult) -> Iterator[str]:
    width = max((len(one.name) for one in result.checkups), default=0)
    for one in result.checkups:
        yield from _checkup(one, width)
    faults = result.faults()
    yield ""
    if faults:
        yield f"{len(faults)} of {len(result.checkups)} cannot be used: {', '.join(one.name for one in faults)}"
    else:
        yield "Nothing that is here is broken."


def _checkup(one: Checkup, width: int) -> Iterator[str]:
    use = f" ({one.use})" if one.use else ""
    yield f"{one.state:8}  {one.name.ljust(width)}  {one.found}{use}"
    if one.mend:
        yield f"{'':8}  {'':{width}}  -> {one.mend}"
