"""`mobile-export devices` and `profile` with a Core ML model, on an acted-out iPhone and simulator."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from device_harness.runners.coreml_build import SOURCES
from tests.conftest import RunCommand
from tests.device_harness.apple.test_coreml_runner import model_package
from tests.fakes.apple.stage import DATA, Stage, set_stage

pytestmark = pytest.mark.slow


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = set_stage(tmp_path, monkeypatch, "xcrun", "xcodebuild", "pymobiledevice3")
    shutil.copyfile(DATA / "devicectl_v2.json", stage.folder / "devices.json")
    shutil.copyfile(DATA / "simctl_xcode16.json", stage.folder / "simulators.json")
    shutil.copyfile(SOURCES / "sample_document.json", stage.container / "bench_document.json")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MOBILE_EXPORT_APPLE_TEAM", "ABCDE12345")
    return stage


def profile(run: RunCommand, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("profile", model_package(folder), "--quick", "-f", "json", *arguments)


def test_devices_lists_them(stage: Stage, mobile_export: RunCommand) -> None:
    """Beside this machine, each with its state and what to do."""
    done = mobile_export("devices", "-f", "json")
    assert done.returncode == 0, done.stderr
    states = {row["serial"]: (row["state"], row["environment"]) for row in json.loads(done.stdout)["devices"]}
    assert states["UDID-READY"] == ("ready", "device")
    assert states["SIM-BOOTED"] == ("ready", "simulator")
    assert states["UDID-NO-DEV"][0] == "unauthorized"
    assert "local" in states


def test_a_phone_is_profiled_and_the_placement_judged(stage: Stage, mobile_export: RunCommand, tmp_path: Path) -> None:
    """Latency, memory and placement from the runner's document; a budget on the Neural Engine fails the run."""
    (tmp_path / "targets.toml").write_text(
        '[targets.strict]\nextends = "iphone-15"\nbudgets = { neural_engine = 0.99 }\n'
        '[targets.loose]\nextends = "iphone-15"\nbudgets = { neural_engine = 0.95 }\n'
    )
    run = ("--device", "UDID-READY", "--targets", str(tmp_path / "targets.toml"), "--target")
    done = profile(mobile_export, tmp_path, *run, "strict")
    assert done.returncode == 1, done.stderr
    (item,) = json.loads(done.stdout)["profiles"]
    readings = {reading["metric"]: reading for reading in item["result"]["readings"]}
    assert readings["latency"]["samples"] == [0.03125, 0.015625, 0.03125]
    assert readings["latency"]["conditions"]["compute_units"] == "cpu_and_ne"
    assert readings["memory.peak"]["samples"] == [62914560.0]
    assert readings["placement.neural_engine"]["obtained"] == "estimated"
    assert readings["energy.inference"]["obtained"] == "unavailable"
    (verdict,) = [one for one in item["verdicts"] if one["metric"] == "placement.neural_engine"]
    assert (verdict["status"], verdict["value"]) == ("failed", 0.96875)
    shutil.rmtree(tmp_path / "Model.mlpackage")
    assert profile(mobile_export, tmp_path, *run, "loose").returncode == 0


def test_a_simulator_says_that_it_is_one(stage: Stage, mobile_export: RunCommand, tmp_path: Path) -> None:
    done = profile(mobile_export, tmp_path, "--device", "SIM-BOOTED")
    assert done.returncode == 0, done.stderr
    readings = json.loads(done.stdout)["profiles"][0]["result"]["readings"]
    assert {reading["environment"] for reading in readings} == {"simulator"}
    energy = next(reading for reading in readings if reading["metric"] == "energy.inference")
    assert "no energy of its own" in energy["reason"]


def test_all_shows_the_phones_that_are_not_ready(stage: Stage, mobile_export: RunCommand, tmp_path: Path) -> None:
    """One without Developer Mode is not checked, and fails a strict run; what its neighbour gave is kept."""
    (stage.folder / "simulators.json").write_text('{"devices": {}}')
    arguments = ("--device", "all", "--target", "iphone-15")
    done = profile(mobile_export, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    found = {item["device"]: item for item in json.loads(done.stdout)["profiles"]}
    assert found["UDID-READY"]["result"]["readings"]
    assert "Developer Mode" in found["UDID-NO-DEV"]["skipped"]
    assert {one["status"] for one in found["UDID-NO-DEV"]["verdicts"]} == {"not checked"}
    assert "local" not in found
    (accelerator,) = [one for one in found["UDID-READY"]["verdicts"] if one["metric"] == "accelerator"]
    assert accelerator["status"] == "passed", "the plan uses the Neural Engine for what it can do"
    shutil.rmtree(tmp_path / "Model.mlpackage")
    assert profile(mobile_export, tmp_path, *arguments, "--strict").returncode == 1


def test_a_plan_without_the_neural_engine_is_a_fall_back(
    stage: Stage, mobile_export: RunCommand, tmp_path: Path
) -> None:
    """Core ML put all of it on the CPU: the accelerator fails, and no budget is judged by it."""
    document = json.loads((stage.container / "bench_document.json").read_text())
    document["placement"] = [{**one, "device": "cpu"} for one in document["placement"]]
    document["acceleration"] = {**document["acceleration"], "used": "cpu"}
    (stage.container / "bench_document.json").write_text(json.dumps(document))
    (tmp_path / "targets.toml").write_text(
        '[targets.fast]\nextends = "iphone-15"\nbudgets = { latency_p50 = "1 s", peak_memory = "1 GB" }\n'
    )
    run = ("--device", "UDID-READY", "--targets", str(tmp_path / "targets.toml"), "--target", "fast")
    done = profile(mobile_export, tmp_path, *run)
    assert done.returncode == 1, done.stderr
    (item,) = json.loads(done.stdout)["profiles"]
    verdicts = {one["metric"]: (one["status"], one["reason"]) for one in item["verdicts"]}
    assert verdicts["accelerator"] == ("failed", "The NPU was asked for; all of it ran on the CPU.")
    assert verdicts["latency.p50"] == ("not checked", "The NPU was asked for; all of it ran on the CPU.")


def test_an_android_serial_is_explained(
    stage: Stage, mobile_export: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Core ML model and a phone behind adb: words about the phone."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "adb").write_text(
        "#!/bin/sh\nprintf 'List of devices attached\\nR58M device model:Galaxy\\n'\n"
    )
    (tmp_path / "bin" / "adb").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    done = profile(mobile_export, tmp_path, "--device", "R58M")
    assert done.returncode == 3
    assert "R58M is a device behind adb" in json.loads(done.stdout)["profiles"][0]["error"]


def test_without_a_team_it_is_told(
    stage: Stage, mobile_export: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOBILE_EXPORT_APPLE_TEAM")
    done = profile(mobile_export, tmp_path, "--device", "UDID-READY")
    assert done.returncode == 3
    assert "MOBILE_EXPORT_APPLE_TEAM" in json.loads(done.stdout)["profiles"][0]["error"]


@pytest.mark.skipif(sys.platform == "darwin", reason="this machine is a Mac")
def test_this_machine_runs_no_core_ml(stage: Stage, mobile_export: RunCommand, tmp_path: Path) -> None:
    done = profile(mobile_export, tmp_path, "--device", "local")
    assert done.returncode == 3
    assert (
        "a Core ML model runs on Macs, Apple devices and simulators" in json.loads(done.stdout)["profiles"][0]["error"]
    )
