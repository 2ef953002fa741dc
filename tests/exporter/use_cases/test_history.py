"""`history` and `profile --baseline` as from the command line, in this process: nothing heavy is needed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from device_harness.facts import DeviceInfo
from exporter.cli.main import main
from exporter.data.errors import UsageProblem
from exporter.data.facts.profile import DeviceProfile
from exporter.data.facts.revision import Revision
from exporter.data.results.commands import ProfileResults
from exporter.history.places import open_history
from exporter.history.revision import revision_of
from exporter.use_cases.devices.baseline import baseline_of
from exporter.use_cases.devices.changes import changes_since
from exporter.use_cases.history import keep_profile
from profilers.plan import ProfilePlan
from profilers.result import ProfileResult
from tests.exporter import typical
from tests.exporter.history.runs import CONDITIONS, PHONE, noisy, write, write_many

MODEL = Path("somewhere/model.tflite")


def call(*words: object) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


def test_runs_are_added_listed_and_shown(tmp_path: Path) -> None:
    place = tmp_path / "h.sqlite"
    documents = write_many(tmp_path, noisy(3))
    for said in ("kept", "was there already"):
        done = call("history", "add", *documents, "--history", place, "--model", "net")
        assert done.exit_code == 0
        assert done.stdout.count(said) == 3
    assert call("history", "list", "--history", place).stdout.count("net") == 3
    shown = json.loads(call("history", "show", "--history", place, "-f", "json").stdout)
    assert [len(trend["points"]) for trend in shown["trends"]] == [3, 3, 3]
    assert [run["revision"]["commit"] for run in shown["runs"]] == ["c000", "c001", "c002"]


def test_the_gate_ends_with_1_where_bytes_grew(tmp_path: Path) -> None:
    write_many(tmp_path, [0.01] * 2, sizes=[1000, 2000])
    done = call("history", "gate", "--history", tmp_path)
    assert done.exit_code == 1
    assert "FAILED       m:f, int8  regression.size" in done.stdout


def test_one_bad_file_keeps_none(tmp_path: Path) -> None:
    good = write(tmp_path / "a")
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    done = call("history", "add", good, bad, "--history", tmp_path / "h.sqlite")
    assert done.exit_code == 2
    assert "bad.json" in done.stderr
    assert not (tmp_path / "h.sqlite").exists()


def test_git_says_the_commit_else_the_ci_system_does(tmp_path: Path) -> None:
    here = revision_of(Path(__file__).parent, environment={"GITHUB_SHA": "other"})
    assert here is None or len(here.commit) == 40
    assert revision_of(tmp_path, environment={"CI_COMMIT_SHA": "abc"}) == Revision(commit="abc")
    assert revision_of(tmp_path, "mine", {"CI_COMMIT_SHA": "abc"}) == Revision(commit="mine")
    assert revision_of(tmp_path, environment={}) is None


def test_profiles_of_two_machines_are_no_trend_of_one(tmp_path: Path) -> None:
    """Both are called local, and a run calls the same machine by the same name."""
    for name in ("fast", "slow"):
        profile = measured(0.01)
        assert profile.result is not None
        info = DeviceInfo(serial="local", kind="local", model=name, cpus=2)
        here = profile.model_copy(
            update={"device": "local", "result": profile.result.model_copy(update={"device": info})}
        )
        found = ProfileResults(MODEL, (here,), typical.NOW, 0)
        keep_profile(tmp_path / "h", found, None, Revision(commit=name))
    places = {figure.lane.place for _, figure in open_history(tmp_path / "h").figures()}
    assert places == {"this machine (fast, 2 cores)", "this machine (slow, 2 cores)"}


def measured(latency_s: float) -> DeviceProfile:
    """What a profile finds on the phone now."""
    samples = tuple(latency_s * (1 + place / 1e4) for place in (-1, 0, 1)) * 3
    reading = typical.reading(samples=samples, groups=(3, 3, 3), device=PHONE, conditions=CONDITIONS)
    info = DeviceInfo(serial=PHONE, kind="adb")
    result = ProfileResult(artifact=str(MODEL), sha256="0", device=info, plan=ProfilePlan(), readings=(reading,))
    return DeviceProfile(device=PHONE, result=result)


@pytest.mark.parametrize("name", ["latest", "c001", "FILE"])
def test_a_profile_is_held_against_a_run_of_the_file_or_of_the_history(tmp_path: Path, name: str) -> None:
    documents = write_many(tmp_path / "h", [0.008, 0.010])
    baseline = baseline_of(str(documents[1]) if name == "FILE" else name, tmp_path / "h", MODEL, None)
    (found,) = changes_since(baseline, [measured(0.011)])
    (change,) = found.changes
    assert change.comparison is not None
    assert change.comparison.ratio == pytest.approx(1.1, rel=0.01)
    assert change.comparison.differs


@pytest.mark.parametrize(
    ("name", "model", "target", "says"),
    [
        ("nowhere.json", MODEL, None, "no such file"),
        ("c9", MODEL, None, "keeps no such run"),
        ("latest", Path("other.tflite"), None, "--target"),
        ("latest", MODEL, "float", "--target"),
    ],
)
def test_a_baseline_that_is_none_is_refused(
    tmp_path: Path, name: str, model: Path, target: str | None, says: str
) -> None:
    write_many(tmp_path / "h", [0.01])
    with pytest.raises(UsageProblem, match=says):
        baseline_of(name, None if name.endswith("json") else tmp_path / "h", model, target)
