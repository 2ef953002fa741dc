"""Any judged or compared result as Markdown."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from exporter.data.facts.diff import SizeDiff
from exporter.data.facts.layers import LayerFindings
from exporter.data.facts.sweep import Sweep
from exporter.data.results.commands import ProfileResults, RunResult, VerifyResult
from exporter.data.results.record import TargetRecord
from exporter.data.results.sizes import BudgetResult, CompareResult
from exporter.report.cells import markdown_cell, markdown_table, one_line
from exporter.report.device_words import SWEEP_COLUMNS, sweep_cells
from exporter.report.figures import COLUMNS as COLUMNS_OF_FIGURES
from exporter.report.figures import figure_row
from exporter.report.layers import COLUMNS, WORST, cells, summary
from exporter.report.markdown.history import history_markdown
from exporter.report.markdown.search import search_markdown
from exporter.report.markdown.verdicts import verdicts_markdown
from exporter.report.readings import device_title, profile_lines, target_lines
from exporter.report.renderer import Result, View
from exporter.report.sizes import change_row, changed, header, heading, rest_words
from exporter.report.tasks import COLUMNS as TASK_COLUMNS
from exporter.report.tasks import rows

# Of a target; GitHub takes up to 1 MiB for the whole summary of a step.
MAX_LINES = 200


def render(result: Result, view: View) -> str:
    """By the kind of the result."""
    shown: dict[str, Any] = {
        "run": _run,
        "budget": _budget,
        "compare": _compare,
        "profile": _profile,
        "verify": _verify,
        "search": search_markdown,
        "history": history_markdown,
        "gate": history_markdown,
    }
    text: str = shown[result.kind](result, view)
    return f"{text.rstrip()}\n"


def _run(result: RunResult, view: View) -> str:
    """Every verdict, and the readings of each device under its name."""
    told = [(target.name, list(_target_lines(target))) for target in result.record.targets]
    measured = [
        row for target in result.record.targets for parity in target.parities for row in rows(target.name, parity)
    ]
    details = (_details(name, lines) for name, lines in told if lines)
    return "\n".join([_verdicts(result), *_task_lines(measured), *details])


def _target_lines(target: TargetRecord) -> Iterator[str]:
    if target.error:
        yield f"error: {target.error}"
    yield from (f"warning: {words}" for words in target.warnings)
    yield from target_lines(target)


def _budget(result: BudgetResult, view: View) -> str:
    return verdicts_markdown(result.verdicts, result.rows, result.title)


def _compare(result: CompareResult, view: View) -> str:
    told = ["\n".join(_diff_lines(diff, view.rows)) for diff in result.diffs]
    return "\n".join([*told, *([_verdicts(result)] if result.verdicts else [])])


def _diff_lines(diff: SizeDiff, rows: int) -> Iterator[str]:
    yield f"### {markdown_cell(heading(diff))}"
    yield ""
    if diff.figures:
        yield from markdown_table(COLUMNS_OF_FIGURES, [figure_row(one) for one in diff.figures])
        yield ""
    for group, changes in diff.groups.items():
        yield from markdown_table(header(group), [change_row(change) for change in changed(changes)[:rows]])
        yield from ("", rest_words(changes, rows), "")
    yield from (f"note: {markdown_cell(note)}\n" for note in diff.notes)


def _profile(result: ProfileResults, view: View) -> str:
    told = [(device_title(item), profile_lines(item)) for item in result.summaries()]
    swept = [_sweep(one) for one in result.sweeps or ()]
    return "\n".join([_verdicts(result), *swept, *(_details(title, lines) for title, lines in told)])


def _sweep(sweep: Sweep) -> str:
    columns = [name.removeprefix(">") for name in SWEEP_COLUMNS]
    table = markdown_table(columns, [sweep_cells(row, sweep.best) for row in sweep.rows])
    heading = f"### Settings on {markdown_cell(sweep.device)}"
    return "\n".join([heading, "", *table, "", markdown_cell(sweep.answer), ""])


def _verify(result: VerifyResult, view: View) -> str:
    measured = [row for parity in result.parities for row in rows(result.artifact.name, parity)]
    layers = _layer_lines(result.layers) if result.layers else ()
    return "\n".join([_verdicts(result), *_task_lines(measured), *layers])


def _task_lines(measured: Sequence[Sequence[str]]) -> Iterator[str]:
    if measured:
        yield from markdown_table([name.removeprefix(">") for name in TASK_COLUMNS], measured)
        yield ""


def _layer_lines(found: LayerFindings) -> Iterator[str]:
    yield _fenced(list(summary(found)))
    yield ""
    yield from markdown_table([name.removeprefix(">") for name in COLUMNS], [cells(one) for one in found.worst(WORST)])


def _verdicts(result: Result) -> str:
    return verdicts_markdown(result.verdicts, (), result.title)


def _details(title: str, lines: Sequence[str]) -> str:
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"... {len(lines) - MAX_LINES} lines more; -f json has them all"]
    return f"<details><summary>{markdown_cell(title)}</summary>\n\n{_fenced(lines)}\n\n</details>\n"


def _fenced(lines: Sequence[str]) -> str:
    """As a block of code, whose fence is longer than any run of backticks in it."""
    text = "\n".join(map(one_line, lines))
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
