"""`mobile-export search` from end to end: the answer first, nothing lost, and what is applied is what was found."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from exporter.search.study import Study
from tests.exporter.use_cases.search.conftest import BUDGETS, EVALUATED, MODEL, SEARCH, TARGETS, Found, Place

pytestmark = pytest.mark.slow


def test_the_answer_is_the_first_line(found: Found) -> None:
    """Protects what the command is for: a point inside every budget, in a sentence, before any table."""
    assert found.done.returncode == 0, found.done.stderr
    first = " ".join(found.done.stdout.split())
    assert first.startswith("ios: take `balanced`: ")
    assert "points top-1, inside every budget; " in first.partition("Study:")[0]
    assert "Study: study" in found.done.stdout


def test_every_point_is_a_file_that_was_gated(found: Found) -> None:
    """Protects from an answer by prediction: each point has an artifact, verdicts, and settings to make it again."""
    points = Study(found.place.folder / "study").points.values()
    assert {point.plan.variant for point in points} == {"own", "weights", "int8"}
    assert next(iter(points)).plan.role == "own"
    for point in points:
        folder = found.place.folder / "study" / point.folder
        assert point.error is None
        assert point.loss is not None
        assert (folder / "run.json").is_file()
        assert (folder / "targets.toml").read_text() == point.plan.settings
        limits = {verdict.metric: verdict.limit for verdict in point.verdicts}
        assert limits["size"] == 60_000
        assert limits["accuracy.top1_drop"] == 3


def test_what_was_found_before_a_kill_is_not_tried_again(found: Found) -> None:
    """Protects hours: `kill -9`, Ctrl-C and --resume in one study, and no trial twice."""
    tried = found.place.points()
    assert found.killed
    assert len(found.interrupted) > len(found.killed)
    assert tried[: len(found.interrupted)] == found.interrupted
    assert len(tried) == len(set(tried))


def test_ctrl_c_is_exit_130(found: Found) -> None:
    assert found.code == 130


def test_a_finished_study_is_answered_at_once(found: Found) -> None:
    """The same command over a finished study tries nothing more, and says the same."""
    before = found.place.points()
    again = found.place.call("search", "--resume", "-f", "json")
    assert again.returncode == 0, again.stderr
    assert found.place.points() == before
    document = json.loads(again.stdout)
    assert document["schema_version"] == 1
    assert not document["unfinished"]
    answer = document["answers"]["ios"]
    assert answer["sentence"].startswith("ios: take `balanced`: ")
    inside = [one["plan"]["key"] for one in document["targets"]["ios"] if one["inside"]]
    assert {*answer["points"]} == {"quality", "balanced", "compact"}
    assert {*answer["points"].values()} <= {*inside}
    assert [one["plan"]["key"] for one in document["targets"]["ios"]] == before


def test_show_says_what_the_study_says(found: Found) -> None:
    shown = found.place.call("search", "show")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[0] == found.done.stdout.splitlines()[0]


def test_the_page_that_is_left_has_the_points_that_show_has(found: Found) -> None:
    page = (found.place.folder / "study" / "study.html").read_text()
    shown = found.place.call("search", "show", "-f", "html")
    assert shown.returncode == 0, shown.stderr
    assert page.partition("<main>")[2] == shown.stdout.partition("<main>")[2]
    assert page.count('class="tried"') == len(found.place.points())


def test_show_of_nothing_is_wrong_usage(place: Place) -> None:
    done = place.call("search", "show", "-o", "nowhere")
    assert done.returncode == 2
    assert "nowhere holds no study" in done.stderr


def test_another_request_is_refused_in_the_same_folder(found: Found) -> None:
    """Protects a study from points that were judged by other budgets."""
    before = found.place.points()
    done = found.place.call(*SEARCH, *EVALUATED, "--max-size", "50 kB")
    assert done.returncode == 2
    assert "a study of something else (targets differ)" in " ".join(done.stderr.split())
    assert found.place.points() == before


def test_what_is_applied_makes_the_same_file(found: Found) -> None:
    """Protects the hand-over: `run` on the written target gives the point's file, and the user's words stay."""
    folder = found.place.folder
    applied = found.place.call("search", "--resume", "--apply", "balanced")
    assert applied.returncode == 0, applied.stderr
    assert "Written: ios-balanced: " in applied.stderr
    written = (folder / "targets.toml").read_text()
    assert written.startswith(TARGETS)
    data = ("--calibration", "calibration.npz", "--calibration-samples", 100, *EVALUATED)
    made = found.place.call(
        "run", "digits_net.py:net", "--target", "ios-balanced", *MODEL, *data, "--no-measure", "-o", "made"
    )
    assert made.returncode == 0, made.stderr
    document = json.loads(found.place.call("search", "show", "-f", "json").stdout)
    settings = {one["plan"]["settings"]: one for one in document["targets"]["ios"]}
    assert len(settings) == len(document["targets"]["ios"])
    artifacts = {_artifact(folder / "study" / one["folder"]) for one in settings.values()}
    assert _artifact(folder / "made") in artifacts


def _artifact(run: Path) -> str:
    record = json.loads((run / "run.json").read_text())
    target = record["targets"][0]
    weights = sorted((run / target["artifact"]["path"]).rglob("weight.bin"))
    assert len(weights) == 1
    return hashlib.sha256(weights[0].read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def tight(place: Place) -> "subprocess.CompletedProcess[str]":
    """Budgets that contradict, on data without labels."""
    budgets = ("--max-size", "8 kB", "--max-drop", 1)
    return place.call(*SEARCH, "--evaluation", "unlabelled.npz", *budgets, "-o", "tight")


def test_budgets_that_contradict_are_answered_by_the_nearest_misses(
    tight: "subprocess.CompletedProcess[str]", place: Place
) -> None:
    """Protects from silence: nothing fits, so what would have to give is said, and --apply refuses."""
    assert tight.returncode == 1, tight.stderr
    first = " ".join(tight.stdout.split())
    assert first.startswith("ios: nothing is inside every limit. Nearest: ")
    assert "size would have to be allowed" in first
    applied = place.call("search", "--resume", "-o", "tight", "--apply", "balanced")
    assert applied.returncode == 2
    assert "nothing is inside every limit" in " ".join(applied.stderr.split())


def test_without_labels_losses_are_against_the_source_and_too_few_examples_are_said(
    tight: "subprocess.CompletedProcess[str]", place: Place
) -> None:
    said = " ".join(tight.stdout.split())
    assert "no labels: losses are disagreement with the source's own results" in said
    assert "240 examples cannot tell a loss of 1 points from none" in said
    losses = [point.loss for point in Study(place.folder / "tight").points.values()]
    assert losses
    assert {one.against for one in losses if one} == {"source"}


def test_a_time_too_short_for_a_trial_says_so(place: Place) -> None:
    """Protects from "nothing fits" where nothing was tried."""
    done = place.call(*SEARCH, *EVALUATED, *BUDGETS, "-o", "short", "--time", "0.001 s")
    assert done.returncode == 1, done.stderr
    first = " ".join(done.stdout.split())
    assert first.startswith("ios: nothing was tried. ")
    assert "the time was up before everything was tried; --resume goes on" in first


WRONG = {
    "no model": (("search",), "give MODEL and --target NAME"),
    "no target": (("search", "digits_net.py:net"), "give MODEL and --target NAME"),
    "no calibration": ((*SEARCH[:-2], *EVALUATED), "give --calibration"),
    "nothing that is to be held": ((*SEARCH, *EVALUATED, "-o", "unlimited"), "give --max-drop or --max-size"),
    "other settings of the model": ((*SEARCH, *EVALUATED, *BUDGETS, "--mean", 0), "(settings, digest differ)"),
    "a file of operators": (
        ("search", "digits.pt2", *SEARCH[2:4], *SEARCH[-2:], *EVALUATED, *BUDGETS, "-o", "exported"),
        "give the module that it was made of",
    ),
    "no such target": ((*SEARCH, *EVALUATED, "--target", "nokia", "-o", "wrong"), "nokia"),
    "no such scheduler": (
        (*SEARCH, *EVALUATED, *BUDGETS, "--scheduler", "tcp://127.0.0.1:9", "-o", "gone"),
        "tcp://127.0.0.1:9",
    ),
    "no such point": (("search", "show", "--apply", "best", "-o", "nowhere"), "nowhere holds no study"),
    "a size without its unit": ((*SEARCH, "--max-size", "much"), "--max-size"),
    "resumed without a study": (("search", "--resume", "-o", "nowhere"), "holds no study that a command began"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_exit_2_and_says_what(arguments: tuple[object, ...], message: str, found: Found) -> None:
    done = found.place.call(*arguments)
    assert done.returncode == 2, done.stdout
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert "a fault in mobile-export" not in done.stderr
