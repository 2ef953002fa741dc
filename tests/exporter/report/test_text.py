"""The terminal: a line a target, what failed first, nothing wider than the screen, and -q and -v."""

from dataclasses import replace

import pytest

from exporter.data.results.commands import RunResult
from exporter.data.verdict import Status
from exporter.report.renderer import View, render
from tests.exporter.report import rich

PAGES = rich.pages()


def passing() -> RunResult:
    """The run without what failed, with nothing to be said of it."""
    found = rich.run()
    targets = [
        target.model_copy(update={"verdicts": target.verdicts[:1], "profiles": (), "warnings": ()})
        for target in found.record.targets
        if target.host is None
    ]
    return replace(found, record=found.record.model_copy(update={"targets": tuple(targets), "exit_code": 0}))


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("kind", [kind for kind in PAGES if kind != "search"])
def test_no_line_is_wider_than_the_screen(kind: str, columns: int, verbose: bool) -> None:
    """A line that the terminal breaks moves every figure of a table out of its column."""
    lines = render("text", PAGES[kind], View(columns=columns, verbose=verbose)).splitlines()
    assert [line for line in lines if len(line) > columns] == []


def test_a_passing_run_is_a_line_a_target_and_one_that_says_so() -> None:
    found = passing()
    _, heading, *lines, ending = render("text", found, View(columns=80)).splitlines()
    assert heading.split()[0] == "target"
    assert [line.split()[:2] for line in lines] == [["ok", target.name] for target in found.record.targets]
    assert ending == "All gates passed. Report: build/report.html"


def test_what_fails_comes_before_the_targets_and_what_passed_is_not_listed() -> None:
    lines = render("text", PAGES["run"], View(columns=80)).splitlines()
    failed = [place for place, line in enumerate(lines) if line.startswith("FAILED       ")]
    assert len(failed) == 4
    assert lines.index(next(line for line in lines if line.split()[:1] == ["target"])) > max(failed)
    assert not [line for line in lines if line.startswith("passed")]
    assert lines[-1].startswith("A gate failed. Report:")


@pytest.mark.parametrize(("columns", "left_out"), [(60, {"of float", "SNR dB"}), (160, set())])
def test_a_narrow_screen_leaves_out_what_matters_least(columns: int, left_out: set[str]) -> None:
    lines = render("text", PAGES["run"], View(columns=columns)).splitlines()
    heading = next(line for line in lines if line.split()[:1] == ["target"])
    titles = {"target", "size", "of float", "top-1 %", "SNR dB", "p50 here", "gates"}
    assert {title for title in titles if title not in heading} == left_out


@pytest.mark.parametrize("kind", ["run", "budget", "profile", "verify"])
def test_verbose_names_every_gate_and_quiet_only_those_that_failed(kind: str) -> None:
    everything = render("text", PAGES[kind], View(columns=80, verbose=True))
    assert all(one.metric in everything for one in PAGES[kind].verdicts)
    quiet = render("text", PAGES[kind], View(quiet=True)).splitlines()
    failed = [one for one in PAGES[kind].verdicts if one.status is Status.FAILED]
    assert [line.split()[0] for line in quiet] == ["FAILED"] * len(failed)


def test_quiet_says_nothing_of_a_run_that_passed() -> None:
    assert render("text", passing(), View(quiet=True)) == ""
