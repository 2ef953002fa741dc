"""A run as Markdown: every verdict, and the readings of each device under its name."""

import re

from exporter.data.record import RunRecord, TargetRecord
from exporter.report.text.markdown import render_markdown
from exporter.report.text.profiles import profile_lines, readings_lines
from exporter.report.text.tables import markdown_cell, one_line

# Of a target; GitHub takes up to 1 MiB for the whole summary of a step.
MAX_LINES = 200


def render_run_markdown(record: RunRecord) -> str:
    """GitHub-flavoured Markdown for a job summary or a pull-request comment."""
    parts = [render_markdown(record.verdicts(), title=record.source.spec)]
    for target in record.targets:
        lines = _target_lines(target)
        if lines:
            parts.append(
                f"<details><summary>{markdown_cell(target.name)}</summary>\n\n{_fenced(lines)}\n\n</details>\n"
            )
    return "\n".join(parts)


def _target_lines(target: TargetRecord) -> list[str]:
    lines = [f"error: {target.error}"] if target.error else []
    lines += [f"warning: {words}" for words in target.warnings]
    if target.host is not None:
        said = "".join(f", {words}" for words in target.host.caveats)
        lines += [f"readings of this machine{said}", *(f"  {line}" for line in readings_lines(target.host))]
    for item in target.profiles:
        lines += profile_lines(item, verdicts=False)
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"... {len(lines) - MAX_LINES} lines more in run.json"]
    return lines


def _fenced(lines: list[str]) -> str:
    """As a block of code, whose fence is longer than any run of backticks in it."""
    text = "\n".join(map(one_line, lines))
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
