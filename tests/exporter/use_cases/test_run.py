"""The main job from the command line: what it writes, says, keeps and refuses."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from exporter.data.facts.profile import measured
from exporter.data.verdict import Status
from exporter.store.runs import load_record, load_samples
from tests.exporter.use_cases.conftest import Done, Workspace


def test_artifacts_record_and_report_are_there(finished: Done) -> None:
    assert finished.returncode == 0, finished.stderr
    assert (finished.output / "android" / "model.tflite").is_file()
    assert (finished.output / "ios" / "Model.mlpackage" / "Manifest.json").is_file()
    assert "11 gates passed, 1 not checked" in finished.stdout
    assert all(re.fullmatch(r" *[0-9.]+ s  [A-Z].*", line) for line in finished.stderr.splitlines()), finished.stderr
    assert "Converting for android" in finished.stderr
    record = load_record(finished.output / "run.json")
    assert record.exit_code == 0
    assert (finished.output / "report.html").read_text().startswith("<!doctype html>")


def test_each_target_has_verdicts_for_each_of_its_limits(finished: Done) -> None:
    record = load_record(finished.output / "run.json")
    metrics = {target.name: {verdict.metric for verdict in target.verdicts} for target in record.targets}
    assert metrics["android"] == {"size", "parity.snr", "parity.channels", "parity.top1_agreement"}
    assert metrics["ios"] == {"size", "parity.snr", "parity.channels", "accuracy.top1_drop"}
    evaluators = {target.name: target.parities[0].evaluator for target in record.targets}
    assert evaluators["android"].startswith("LiteRT")
    assert evaluators["ios"] == "Core ML reference evaluator"
    assert record.source.top1 is not None
    (accuracy,) = [item for item in record.verdicts() if item.metric == "accuracy.top1_drop"]
    assert accuracy.status is Status.NOT_CHECKED  # a network with random weights guesses
    assert "as guessing one of 5 classes may be" in accuracy.reason


def test_every_sample_is_kept_beside_the_record_and_energy_is_never_invented(finished: Done) -> None:
    record = load_record(finished.output / "run.json")
    samples = load_samples(finished.output / "run.json").targets["android"].host
    readings = {reading.metric: reading for reading in samples}
    host = record.targets[0].host
    assert host is not None
    assert host == measured(samples, record.created_at)
    assert len(readings["latency"].samples) >= 100
    assert readings["latency"].warmup_samples
    assert min(readings["latency"].samples) > 0
    energy = readings["energy.inference"]
    assert energy.samples or energy.reason


def test_harm_is_said_in_numbers(finished: Done) -> None:
    """Protects the promise that a slower variant is not sold as a better one: int16x8 runs reference kernels.

    Other work on a shared machine may disturb the readings: then that is said, and nothing else is made of them.
    """
    wide = next(target for target in finished.record["targets"] if target["name"] == "android-wide")
    slower = [warning for warning in wide["warnings"] if "slower on this machine" in warning]
    assert all("reference kernels" in warning for warning in slower)
    if any("disturbed" in words for words in wide["host"]["caveats"]):
        assert not slower
        assert "(!) readings here android-wide: disturbed" in finished.stdout


def test_a_second_identical_run_converts_nothing(finished: Done, workspace: Workspace, data: list[object]) -> None:
    targets = ("--target", "android", "--target", "android-wide", "--target", "ios")
    again = workspace.run(*targets, *data, "--no-measure", output="again")
    assert again.returncode == 0
    for target in again.record["targets"]:
        assert {"conversion", "verification"} <= set(target["from_cache"])
    before = {target["name"]: target["artifact"]["sha256"] for target in finished.record["targets"]}
    assert {target["name"]: target["artifact"]["sha256"] for target in again.record["targets"]} == before


def test_a_failed_gate_is_exit_1_and_hides_nothing(workspace: Workspace, data: list[object]) -> None:
    done = workspace.run("--target", "tiny", "--target", "android", *data, "--no-measure", output="failing")
    assert done.returncode == 1
    verdicts = [verdict for target in done.record["targets"] for verdict in target["verdicts"]]
    assert [verdict["metric"] for verdict in verdicts if verdict["status"] == "failed"] == ["size"]
    assert len(verdicts) == 8
    assert (done.output / "tiny" / "Model.mlpackage").is_dir()
    assert "A gate failed" in done.stdout


def test_without_labels_accuracy_is_not_checked_and_fails_only_under_strict(workspace: Workspace, images: Path) -> None:
    unlabelled = workspace.folder / "flat"
    unlabelled.mkdir(exist_ok=True)
    for index, path in enumerate(sorted(images.rglob("*.png"))):
        shutil.copy(path, unlabelled / f"{index}.png")
    arguments = ["--target", "ios", "--calibration", unlabelled, "--no-measure"]
    done = workspace.run(*arguments, output="unlabelled")
    assert done.returncode == 0
    assert "not checked" in done.stdout
    assert workspace.run(*arguments, "--strict", output="unlabelled").returncode == 1


def test_json_on_standard_output_is_the_record(workspace: Workspace, data: list[object], finished: Done) -> None:
    done = workspace.run("--target", "android", *data, "-f", "json", output="json")
    document = json.loads(done.stdout)
    assert document["schema_version"] == 2
    assert document == done.record


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--target", "andriod"], "did you mean 'android'"),
        (["--target", "android"], "give --calibration"),
        (["--target", "ios", "--calibration", "nowhere"], "no such file or folder"),
        (["--target", "ios", "--mean", "a"], "is not a number"),
        (["--target", "ios", "--input-shape", "1,3,0"], "is not an input shape"),
        (["--target", "ios", "--input-shape", "1,1,16,16"], "does not run on inputs"),
        (["--target", "ios", "--std", "0"], "std must be above 0"),
        (["--target", "ios", "--weights", "nowhere.pt"], "no such file"),
        (["--target", "ios", "--targets", "nowhere.toml"], "No such file"),
        ([], "--target"),
    ],
)
def test_bad_input_is_one_clear_error_and_exit_2(arguments: list[str], says: str, workspace: Workspace) -> None:
    done = workspace.run(*arguments, output="bad")
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.output.exists()


def test_labels_out_of_range_and_a_corrupt_image_stop_the_run_clearly(workspace: Workspace, images: Path) -> None:
    manifest = images / "far.csv"
    rows = (images / "labels.csv").read_text().replace(",4\n", ",9\n")
    manifest.write_text(rows)
    done = workspace.run("--target", "ios", "--evaluation", manifest, output="bad2")
    assert done.returncode == 2
    assert "has label 9, but the model has 5 classes" in done.stderr
    broken = workspace.folder / "broken"
    shutil.copytree(images, broken, dirs_exist_ok=True)
    victim = sorted(broken.rglob("*.png"))[7]
    victim.write_bytes(victim.read_bytes()[:30])
    done = workspace.run("--target", "ios", "--evaluation", broken, output="bad3")
    assert done.returncode == 2
    assert f"{victim.name} cannot be decoded" in done.stderr


def test_an_output_that_cannot_be_written_is_said(workspace: Workspace, data: list[object]) -> None:
    (workspace.folder / "taken").write_text("")
    done = workspace.run("--target", "ios", *data, output="taken")
    assert done.returncode == 2
    assert "is a file; give a folder" in done.stderr


def test_a_target_s_recipe_is_applied_kept_and_recorded(workspace: Workspace, data: list[object]) -> None:
    done = workspace.run("--target", "pruned", *data, output="recipe")
    assert done.returncode == 0, done.stdout + done.stderr
    (target,) = done.record["targets"]
    (step,) = target["steps"]
    assert step["method"] == "magnitude_pruning"
    before, after = (sum(layer["nonzeros"] for layer in step[when]["layers"]) for when in ("before", "after"))
    assert after < 0.7 * before
    assert (done.output / "pruned" / "compressed.pt2").is_file()
    assert {weight["layer"] for weight in target["inspection"]["weights"]} >= {"mix", "head"}
    again = workspace.run("--target", "pruned", *data, output="recipe")
    assert "conversion" in again.record["targets"][0]["from_cache"]


def test_artifacts_are_profiled_on_devices_asked_for(workspace: Workspace, data: list[object]) -> None:
    done = workspace.run("--target", "android", *data, "--device", "local", "--quick", output="device")
    assert done.returncode == 0, done.stdout + done.stderr
    (target,) = done.record["targets"]
    (profiled,) = target["profiles"]
    assert profiled["info"]["kind"] == "local"
    readings = profiled["measured"]["readings"]
    assert {reading["conditions"].get("quick") for reading in readings} == {"true"}
    assert any(reading["metric"] == "latency" and reading["statistics"]["count"] for reading in readings)
    raw = load_samples(done.output / "run.json").targets["android"].profiles["local"]
    assert [reading.metric for reading in raw] == [reading["metric"] for reading in readings]
    assert not {"true"} & {reading["conditions"].get("quick") for reading in target["host"]["readings"]}
    assert "Readings of local" in (done.output / "report.html").read_text()
    unknown = workspace.run("--target", "android", *data, "--device", "nosuchserial", output="device")
    assert unknown.returncode == 2
    assert "there is no device nosuchserial" in unknown.stderr


def test_a_device_that_runs_no_target_is_refused_before_the_work(workspace: Workspace, data: list[object]) -> None:
    """`--device local` was dropped without a word for Core ML off a Mac."""
    done = workspace.run("--target", "ios", *data, "--device", "local", output="nodevice")
    if sys.platform == "darwin":
        assert done.record["targets"][0]["profiles"]
        return
    assert done.returncode == 2
    assert "a Core ML model runs on Macs, Apple devices" in done.stderr
    assert not done.output.exists()


def test_device_all_with_devices_that_are_not_ready(
    workspace: Workspace, data: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown in the record and the reports with what to do; not checked, which only a strict run fails on."""
    (tmp_path / "adb").write_text("#!/bin/sh\nprintf 'List of devices attached\\nR58M unauthorized usb:1-1\\n'\n")
    (tmp_path / "adb").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    arguments = ["--target", "android", *data, "--device", "all", "--no-measure"]
    done = workspace.run(*arguments, output="barred")
    assert done.returncode == 0, done.stderr
    (target,) = done.record["targets"]
    (profiled,) = target["profiles"]
    assert profiled["info"]["state"] == "unauthorized"
    assert target["host"] is None
    assert not (done.output / "samples.json").exists()
    assert {"android on R58M"} == {one["subject"] for one in target["verdicts"] if one["status"] == "not checked"}
    for text in (done.stdout, (done.output / "report.html").read_text()):
        assert "R58M is unauthorized: unlock it" in text
    assert workspace.run(*arguments, "--strict", output="barred").returncode == 1


def test_a_download_budget_is_judged(workspace: Workspace, data: list[object]) -> None:
    own = workspace.folder / "own.toml"
    small = '[targets.small]\nextends = "ios"\nbudgets.download = "1 kB"\n'
    own.write_text(f"{(workspace.folder / 'targets.toml').read_text()}\n{small}")
    done = workspace.run("--targets", own, "--target", "small", *data, output="download")
    assert done.returncode == 1
    (failed,) = [verdict for verdict in done.record["targets"][0]["verdicts"] if verdict["status"] == "failed"]
    assert failed["metric"] == "download"
