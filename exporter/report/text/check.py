"""What targets make of operators, as tables in the terminal: the worst first."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from exporter.data.facts.checks import Judgement, OperatorCheck, OperatorFinding, Support, TargetCheck, worst
from exporter.data.results.commands import CheckResult
from exporter.report.cells import printable
from exporter.report.renderer import View
from exporter.report.summary import tally
from exporter.report.text.console import Cell, laid_out, table, warning, words
from exporter.report.text.verdicts import verdict_items

_STYLES = {
    Support.SUPPORTED: "green",
    Support.REWRITTEN: "green",
    Support.CPU: "yellow",
    Support.REFUSED: "bold red",
    Support.NOT_CHECKED: "yellow",
}
_PLACES = 2


def render(result: CheckResult, view: View) -> str:
    """What is refused, the license, a table a target, what to change, and how many gates passed."""
    if view.quiet:
        return laid_out(verdict_items(result.verdicts, view), view)
    return laid_out(_items(result, view), view)


def _items(result: CheckResult, view: View) -> Iterator[RenderableType]:
    yield from verdict_items(result.verdicts, view)
    if result.license:
        yield words(f"{result.model}: license {result.license}")
    yield from (warning(result.model, note) for note in result.notes)
    for check in result.checks:
        yield from _target(check, view.rows)
    yield words(tally(result.verdicts))


def _target(check: TargetCheck, rows: int) -> Iterator[RenderableType]:
    if check.found is None:
        yield warning(check.target, check.why_not)
    else:
        yield from _operators(check.target, check.found, rows)
    yield from (warning(check.target, note) for note in check.notes)


def _operators(name: str, found: OperatorCheck, rows: int) -> Iterator[RenderableType]:
    by = f", by {found.route}" if found.route else ""
    sides = [printable(side) for side in (found.asks, found.accelerator) if side]
    shown = found.findings[:rows]
    yield table(f"{name}{by}", ("operator", "becomes", ">count", *sides, "where"), (_row(one, found) for one in shown))
    if len(found.findings) > len(shown):
        yield words(f"and {len(found.findings) - len(shown)} more kinds of operators, of which less is wrong")
    yield from (words(sentence) for sentence in dict.fromkeys(map(_advice, shown)) if sentence)


def _row(one: OperatorFinding, found: OperatorCheck) -> list[Cell]:
    sides = [one.conversion, one.accelerator] if found.accelerator else [one.conversion]
    rest = len(one.places) - _PLACES
    where = ", ".join(one.places[:_PLACES]) + (f", and {rest} more" if rest > 0 else "")
    return [one.operator, ", ".join(one.becomes) or "-", str(one.count), *map(_support, sides), where or "-"]


def _support(judgement: Judgement | None) -> Cell:
    return "-" if judgement is None else Text(judgement.support, _STYLES[judgement.support])


def _advice(one: OperatorFinding) -> str:
    """Why an operator is not simply supported, who says so, and what to change."""
    said = worst(filter(None, (one.conversion, one.accelerator)))
    if not said.why:
        return ""
    source = f" ({said.source}, {said.seen})" if said.source else ""
    remedy = f" To change it: {said.remedy}." if said.remedy else ""
    return f"{one.operator}, {said.support}: {said.why}{source}.{remedy}"
