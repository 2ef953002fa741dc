"""Hand-offs as lines in the terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from exporter.data.facts.handoff import Handoff
from exporter.data.results.handoff import HandoffResult
from exporter.report.cells import printable
from exporter.report.renderer import View
from exporter.report.text.console import laid_out, warning, words


def render(result: HandoffResult, view: View) -> str:
    """Each folder, what is in it, and what is not."""
    return laid_out((item for folder, one in result.made for item in _items(str(folder), one)), view)


def _items(folder: str, one: Handoff) -> Iterator[RenderableType]:
    yield Text.assemble((printable(folder), "bold"), printable(f"  {one.format} {one.artifact}"))
    languages = " and ".join(dependency.language.capitalize() for dependency in one.dependencies)
    yield words(f"  {len(one.cases)} golden cases of {one.runtime}; {languages or 'no code'}; see README.md there")
    yield words(f"  {one.data}")
    yield words(f"  provenance: {'signed' if one.signed else 'unsigned'}")
    yield from (warning(one.name, sentence) for sentence in one.not_generated)
