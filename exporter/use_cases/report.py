"""The use case of `mobile-export report`, and the page that a run leaves."""

from dataclasses import replace
from pathlib import Path

from exporter.data.results.commands import RunResult
from exporter.data.results.record import RunRecord
from exporter.report.renderer import render
from exporter.sizes.diff import compare_sizes
from exporter.store.output import write_text
from exporter.store.pictures import load_pictures
from exporter.store.runs import load_record

PAGE = "report.html"


def reopen(run_json: Path, baseline: Path | None = None) -> RunResult:
    """A run as its `run.json` has it, with what grew since another.

    Raises:
        UsageProblem: unreadable, no run record, or written by a newer version.
    """
    growth = tuple(compare_sizes(baseline, run_json)) if baseline else ()
    return replace(result_of(load_record(run_json), run_json.parent), growth=growth)


def result_of(record: RunRecord, folder: Path, *, verified: bool = True) -> RunResult:
    """A run whose files lie in `folder`, with its pictures that are there."""
    return RunResult(record, folder, verified=verified, pictures=load_pictures(folder, record.pictures()))


def write_page(result: RunResult) -> None:
    """Write `report.html` beside the record, whole or not at all; as `reopen` would show it later."""
    text = render("html", replace(result, errors_shown=True)).encode("utf-8", "backslashreplace")
    write_text(result.folder / PAGE, text.decode())
