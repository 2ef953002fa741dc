"""The use case of `mobile-export report`, and the pages that a run and a search leave."""

from dataclasses import replace
from pathlib import Path

from exporter.data.results.commands import RunResult
from exporter.data.results.record import RunRecord
from exporter.data.results.search import SearchResult
from exporter.report.renderer import Result, render
from exporter.sizes.diff import compare_sizes
from exporter.store.output import write_text
from exporter.store.pictures import load_pictures
from exporter.store.runs import load_record

PAGE = "report.html"
STUDY_PAGE = "study.html"


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
    _write(replace(result, errors_shown=True), result.folder / PAGE)


def write_study_page(result: SearchResult) -> None:
    """Write `study.html` into the study, whole or not at all."""
    _write(result, result.folder / STUDY_PAGE)


def _write(result: Result, path: Path) -> None:
    write_text(path, render("html", result).encode("utf-8", "backslashreplace").decode())
