"""`mobile-export profile` end to end: real adb, real daemon, real runner, real model; `alone/` looks at its energy."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from device_harness.runners.build import find_litert_library
from tests.conftest import RunCommand
from tests.fakes.adbd import SERIAL, AdbdRig
from tests.integration.profiling import CHARGING, programs, readings_of


def test_gauge_is_refused_while_charging(phone: AdbdRig, profile: Any) -> None:
    """A cable makes a fuel gauge's current mean something else: no figure, and the reason."""
    gauge = phone.folder / "sys" / "class" / "power_supply" / "battery"
    gauge.mkdir(parents=True, exist_ok=True)
    gauge.joinpath("uevent").write_text("POWER_SUPPLY_CURRENT_NOW=-300000\nPOWER_SUPPLY_VOLTAGE_NOW=4000000\n")
    phone.reply("dumpsys battery", CHARGING)
    _code, document, _errors = profile()
    energy = readings_of(document)["energy.inference"]
    assert energy["obtained"] == "unavailable"
    assert "charging" in energy["reason"]


def thermal_by_look(phone: AdbdRig, rule: str) -> None:
    """Have the thermal status depend on how often it was looked at: `rule` sets s from n."""
    script = phone.folder / "replies" / "dumpsys thermalservice"
    counter = phone.folder / "looks"
    counter.unlink(missing_ok=True)
    sensor = "Temperature{mValue=30.5, mType=3, mName=skin, mStatus=0}"
    script.write_text(
        f"#!/bin/sh\necho x >> {counter}\nn=$(wc -l < {counter})\n{rule}\n"
        f"echo Thermal Status: $s\necho Current temperatures from HAL:\necho '{sensor}'\n"
    )
    script.chmod(0o755)


def test_throttled_runs_are_rejected(phone: AdbdRig, profile: Any) -> None:
    """The thermal status rises during one run: that run is done again, and said so."""
    thermal_by_look(phone, '[ "$n" = 3 ] && s=2 || s=0')
    code, document, errors = profile("--no-energy")
    assert code == 0, errors
    result = document["profiles"][0]["result"]
    assert len(result["rejected"]) == 1
    assert "thermal status rose from 0 to 2" in result["rejected"][0]
    assert len(readings_of(document)["latency"]["samples"]) >= 30


def test_a_phone_that_always_throttles_gives_no_figure(phone: AdbdRig, profile: Any) -> None:
    """Exit code 3 and advice; never a figure of a throttled phone."""
    thermal_by_look(phone, "s=$((n > 2 && n % 3 == 0))")
    code, document, _errors = profile("--no-energy")
    assert code == 3
    assert "throttles again and again" in document["profiles"][0]["error"]
    assert phone.leftovers() == []


@pytest.mark.parametrize("fault", ["garbled", "truncated", "refusing", "slow"])
def test_misbehaving_services_do_not_spoil_the_measurement(phone: AdbdRig, profile: Any, fault: str) -> None:
    """Latency is measured all the same; what could not be checked is told."""
    (phone.folder / "fault").write_text(f"{fault} dumpsys\n")
    code, document, errors = profile("--no-energy")
    assert code == 0, errors
    assert readings_of(document)["latency"]["obtained"] == "measured"
    warnings = document["profiles"][0]["result"]["warnings"]
    if fault != "slow":
        assert any(words.startswith("not checked: ") for words in warnings)
    assert phone.leftovers() == []


def test_devices_lists_the_phone(phone: AdbdRig, mobile_export: RunCommand) -> None:
    """With what it is, beside this machine."""
    document = json.loads(mobile_export("devices", "-f", "json").stdout)
    by_serial = {row["serial"]: row for row in document["devices"]}
    assert by_serial[SERIAL]["model"] == "Pixel 8"
    assert by_serial[SERIAL]["state"] == "ready"
    assert by_serial["local"]["kind"] == "local"
    del phone


def test_two_devices_at_once(phone: AdbdRig, profile: Any) -> None:
    """One worker each; both are judged."""
    code, document, errors = profile("--device", "local", "--no-energy")
    assert code == 0, errors
    assert [item["device"] for item in document["profiles"]] == [SERIAL, "local"]
    assert phone.leftovers() == []


def test_all_is_the_phone_alone(phone: AdbdRig, mobile_export: RunCommand, model: Path, litert_bench: Path) -> None:
    """This machine is listed too, and does not stand in for a phone."""
    done = mobile_export("profile", model, "--device", "all", "--quick", *programs(litert_bench), "-f", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    (item,) = json.loads(done.stdout)["profiles"]
    assert (item["device"], item["info"]["model"]) == (SERIAL, "Pixel 8")
    assert phone.leftovers() == []


def test_an_npu_that_the_phone_has_not_fails_its_verdict(phone: AdbdRig, profile: Any, tmp_path: Path) -> None:
    """The target's accelerator reaches the runner on the phone, which refuses; the CPU's figures judge no budget."""
    (tmp_path / "targets.toml").write_text(
        '[targets.npu]\nextends = "galaxy-s24"\nbudgets = { latency_p50 = "10 s", peak_memory = "1 GB" }\n'
        '[targets.cpu]\nextends = "npu"\ncompute_units = "cpu"\n'
    )
    options = ("--no-energy", "--targets", tmp_path / "targets.toml", "--target")
    code, document, errors = profile(*options, "npu")
    assert code == 1, errors
    (item,) = document["profiles"]
    verdicts = {one["metric"]: (one["status"], one["reason"]) for one in item["verdicts"]}
    assert verdicts["accelerator"] == ("failed", "The NPU was asked for; all of it ran on the CPU.")
    assert verdicts["latency.p50"][0] == verdicts["memory.peak"][0] == "not checked"
    assert verdicts["outputs.snr"][0] == "not checked", "they are the CPU's"
    assert any("NPU could not be had" in words for words in item["result"]["warnings"])
    code, document, errors = profile(*options, "cpu")
    assert code == 0, errors
    (item,) = document["profiles"]
    (memory,) = [one for one in item["verdicts"] if one["metric"] == "memory.peak"]
    assert memory["status"] == "passed"
    own = next(one for one in item["result"]["readings"] if one["metric"] == "memory.model")
    assert memory["value"] == max(own["samples"])
    assert phone.leftovers() == []


def test_unknown_device_is_told(phone: AdbdRig, mobile_export: RunCommand, model: Path) -> None:
    """Exit code 3, with what to do."""
    done = mobile_export("profile", model, "--device", "nosuch", "--quick")
    assert done.returncode == 3
    assert "mobile-export devices" in done.stdout
    del phone


@pytest.mark.parametrize("devices", [[SERIAL], [SERIAL, "local"]], ids=["one device", "two devices"])
def test_interrupting_restores(
    phone: AdbdRig, tmp_path: Path, litert_bench: Path, model: Path, devices: list[str]
) -> None:
    """Ctrl-C in the middle of a long run: 130 within seconds, the screen and settings as before, nothing left."""
    plan = tmp_path / "plan.toml"
    plan.write_text("min_s = 100.0\nenergy_repeats = 0\n")
    program = Path(sys.executable).with_name("mobile-export")
    command: list[str | Path] = [program, "profile", model, "--plan", plan, "--benchmark-binary", litert_bench]
    command += ["--litert-library", find_litert_library()]
    command += [part for serial in devices for part in ("--device", serial)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not any("--min-s" in process_line for process_line in device_processes(phone)):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=40)
    assert running.returncode == 130, errors
    assert phone.leftovers() == []
    assert phone.calls()[-1] == "settings put global stay_on_while_plugged_in 3"


def device_processes(phone: AdbdRig) -> list[str]:
    """Command lines of the runner on the phone."""
    found = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "bench_runner" and process.environ().get("FAKE_ANDROID") == str(phone.folder):
                found.append(" ".join(process.cmdline()))
    return found
