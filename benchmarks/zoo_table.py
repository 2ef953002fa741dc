"""The page of `zoo.py`: a table of models, and totals."""

import re
from collections.abc import Sequence

from zoo_results import Result, Results
from zoo_tools import TOOLS, Tool

HEAD = """# Coverage

Which real models come out right: this program, and the peers each alone. Generated; do not edit.

    {command}

Every model and converter ran in a process of its own, with random weights where a package ships none. TFLite files
(float32) were run in LiteRT, this program's Core ML files (float16) in its evaluator; every output was compared with
torch on two random inputs, and the worst counts: right is 60 dB and more for TFLite, 30 dB and more for Core ML. A file
of coremltools counts as right as it is. Peers are given their best: either of torch's exporters, attention unfused,
outputs in any order and layout. Seconds are wall-clock on a shared machine, comparison included and imports left out:
they tell little.
"""


def page(results: Results, models: Sequence[str], command: str) -> str:
    """Markdown."""
    parts = [HEAD.format(command=command), _versions(results), _table(results, models), _totals(results, models)]
    return "\n".join([*parts, _reasons(results, models)])


def _versions(results: Results) -> str:
    lines = []
    for tool in TOOLS:
        found = [item for item in results if item.tool == tool.name]
        dates = sorted({item.date for item in found})
        versions = sorted({f"{name} {value}" for item in found for name, value in item.versions.items() if value})
        if found:
            lines.append(f"- {tool.title}: {', '.join(versions)}; {' to '.join(dict.fromkeys((dates[0], dates[-1])))}")
    return "\n".join([*lines, ""])


def _table(results: Results, models: Sequence[str]) -> str:
    rows = [f"| model | {' | '.join(tool.title for tool in TOOLS)} |", "|---" * (len(TOOLS) + 1) + "|"]
    for model in models:
        cells = [_cell(tool, tool.best(results.of(model, tool.name))) for tool in TOOLS]
        rows.append(f"| {model} | {' | '.join(cells)} |")
    return "\n".join([*rows, ""])


def _cell(tool: Tool, result: Result | None) -> str:
    if result is None:
        return "not tried"
    if not result.converted:
        return "**refused**"
    size = "" if result.snr_db is None else f"{result.snr_db:.0f} dB"
    measured = ", ".join(filter(None, (result.route, size, f"{result.seconds:.0f} s")))
    return measured if tool.right(result) else f"**wrong**: {measured}"


def _totals(results: Results, models: Sequence[str]) -> str:
    right = {tool.name: _right(tool, results, models) for tool in TOOLS}
    peers = [tool for tool in TOOLS if not tool.ours]
    union = set().union(*(right[tool.name] for tool in peers))
    counts = [f"{tool.title} {len(right[tool.name])} of {_tried(tool, results, models)} tried" for tool in peers]
    lines = [f"{len(models)} models. Right alone: {', '.join(counts)}; some peer: {len(union)}.", ""]
    for tool in (tool for tool in TOOLS if tool.ours):
        mine, tried = right[tool.name], {item.model for item in results if item.tool == tool.name} & union
        share = f", {len(mine & union)} of the {len(tried)} of them that some peer converts" if tried else ""
        lines.append(f"- {tool.title}: {len(mine)} right of {_tried(tool, results, models)} tried{share}.")
    return "\n".join([*lines, ""])


def _tried(tool: Tool, results: Results, models: Sequence[str]) -> int:
    return len({item.model for item in results if item.tool == tool.name and item.model in models})


def _right(tool: Tool, results: Results, models: Sequence[str]) -> set[str]:
    return {item.model for item in results if item.tool == tool.name and item.model in models and tool.right(item)}


def _reasons(results: Results, models: Sequence[str]) -> str:
    lines = ["What is refused or wrong, in the converter's words:", ""]
    for tool in TOOLS:
        for model in models:
            result = tool.best(results.of(model, tool.name))
            if result is not None and not tool.right(result):
                lines.append(f"- {model}, {tool.title}: {_plain(result.reason) or 'it said nothing'}")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, without the paths of a machine."""
    without_paths = re.sub(r"(/[\w.-]+)+/", "", text)
    for mark, shown in (("<", "&lt;"), ("|", "\\|"), ("`", "'"), ("[", "("), ("]", ")")):
        without_paths = without_paths.replace(mark, shown)
    return " ".join(without_paths.split())
