"""The use case of `mobile-export report`, and the page that a run leaves."""

from dataclasses import replace
from pathlib import Path

from exporter.data.results.commands import RunResult
from exporter.report.renderer import render
from exporter.sizes.diff import compare_sizes
from exporter.store.output import write_text
from exporter.store.runs import load_record

PAGE = "report.html"


def reopen(run_json: Path, baseline: Path | None = None) -> RunResult:
    """A run as its `run.json` has it, with what grew since another.

    Raises:
        UsageProblem: unreadable, no run record, or written by a newer version.
    """
    growth = tuple(compare_sizes(baseline, run_json)) if baseline else ()
    return RunResult(load_record(run_json), run_json.parent, growth=growth)


def write_page(result: RunResult) -> None:
    """Write `report.html` beside the record, whole or not at all; as `reopen` would show it later."""
    text = render("html", replace(result, errors_shown=True)).encode("utf-8", "backslashreplace")
    write_text(result.folder / PAGE, text.decode())
