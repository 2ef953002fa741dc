"""Profiles of a file: the accelerator asked for, faults of one device, Ctrl-C, and what this machine may not judge."""

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from device_harness.discovery import Listing
from device_harness.errors import DeviceError
from device_harness.facts import DeviceInfo
from device_harness.finder import Found
from device_harness.leases.session import Leased, Terms, leased
from device_harness.local import LocalDevice
from device_harness.protocol import Capabilities
from device_harness.runners.in_process import LitertInProcess
from device_harness.runners.runner import RunRequest
from exporter.data.facts.profile import DeviceProfile
from exporter.data.verdict import Status
from exporter.formats.coreml import devices as coreml_devices
from exporter.formats.coreml.devices import CoremlDevices, units_for
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.devices import RunnerChoice
from exporter.formats.registry import format_named
from exporter.formats.tflite import devices as tflite_devices
from exporter.formats.tflite.settings import TfliteTarget
from exporter.use_cases.devices.choice import Selection, Skipped
from exporter.use_cases.devices.on_devices import on_devices
from exporter.use_cases.profile import ProfileRequest, profile, profile_on_devices
from profilers.clock import StoppedError, SystemClock
from profilers.plan import ProfilePlan
from tests.conftest import RunCommand

TFLITE, COREML = format_named("tflite"), format_named("coreml")
IN_PROCESS = RunnerChoice("in_process")
PLAN = ProfilePlan(processes=2, runs=3, min_s=0, warmup_runs=1, warmup_min_s=0, energy_repeats=0, cool_down=False)
TARGET = {
    "name": "phone",
    "format": "tflite",
    "minimum_os": "Android 14",
    "compute_units": "npu",
    "device": "local",
    "budgets": {"latency_p50": "10 s", "peak_memory": "1 GB", "energy": "1 J"},
}


@pytest.fixture
def model(shared: Path) -> Path:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    return shared / "models" / "resnet8_cifar10_float.tflite"


def target(**changes: Any) -> TfliteTarget:
    return TfliteTarget.model_validate({**TARGET, **changes})


def statuses(item: DeviceProfile) -> dict[str, tuple[Status, str]]:
    return {verdict.metric: (verdict.status, verdict.reason) for verdict in item.verdicts}


def test_an_npu_target_is_not_judged_by_the_cpu(model: Path) -> None:
    """The runner here has no NPU: the accelerator fails, and no budget passes on the CPU's figures."""
    (item,) = profile(ProfileRequest(TFLITE, [model], PLAN, IN_PROCESS, target()), ["local"])
    assert item.result is not None
    found = statuses(item)
    assert found["accelerator"] == (Status.FAILED, "The NPU was asked for; all of it ran on the CPU.")
    for metric in ("latency.p50", "memory.peak", "energy.inference"):
        assert found[metric] == (Status.NOT_CHECKED, "The NPU was asked for; all of it ran on the CPU.")
    assert item.result.plan.accelerator == "npu"


def test_a_run_s_devices_get_the_target_s_accelerator(model: Path) -> None:
    """`run --device` dropped it: a budget of an NPU passed or failed on the CPU's time; verdicts name the target."""
    locked = Skipped("R58M", None, "R58M is unauthorized: unlock it.")
    item, skipped = profile_on_devices(target(), model, Selection(("local",), (locked,)), PLAN, print)
    assert item.result is not None
    assert item.result.plan.accelerator == "npu"
    assert statuses(item)["accelerator"][0] is Status.FAILED
    assert {verdict.subject for verdict in item.verdicts} == {"phone on local"}
    assert skipped.skipped == locked.reason


class NoNpu(LitertInProcess):
    """A runner whose program refuses what it has not, as litert_bench does."""

    def command(self, request: RunRequest) -> tuple[list[str], dict[str, str]]:
        if request.accelerator != "cpu":
            return ["sh", "-c", "echo 'status 504 compilation' >&2; exit 3"], {}
        return super().command(request)


def test_an_accelerator_that_cannot_be_had_fails_its_verdict(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures are of the CPU, say so, and pass no budget; the reason is a warning."""
    monkeypatch.setattr(tflite_devices, "LitertInProcess", NoNpu)
    (item,) = profile(ProfileRequest(TFLITE, [model], PLAN, RunnerChoice(), target()), ["local"])
    assert item.result is not None
    assert "status 504 compilation" in " ".join(item.result.warnings)
    assert statuses(item)["accelerator"][0] is Status.FAILED
    assert statuses(item)["latency.p50"][0] is Status.NOT_CHECKED
    latency = item.result.readings[0]
    assert (latency.conditions["accelerator"], latency.conditions["ran_on"]) == ("npu", "cpu")


def test_a_model_that_fails_on_the_cpu_too_is_an_error(tmp_path: Path) -> None:
    """A damaged file is not an accelerator that is missing."""
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(b"no model")
    (item,) = profile(ProfileRequest(TFLITE, [damaged], PLAN, IN_PROCESS, target()), ["local"])
    assert item.error


def test_target_and_plan_that_differ_say_which_won() -> None:
    """Only where the plan says an accelerator itself: its default is no wish."""
    planned = TFLITE.devices.planned
    assert planned(ProfilePlan(), target())[0].accelerator == "npu"
    assert planned(ProfilePlan(), target())[1] == ()
    used, notes = planned(ProfilePlan(accelerator="gpu"), target())
    assert used.accelerator == "npu"
    assert notes == ("the plan says accelerator 'gpu' and target phone 'npu': the target's was asked for",)
    assert planned(ProfilePlan(accelerator="gpu"), None)[0].accelerator == "gpu"
    apple = CoremlTarget.model_validate(
        {"name": "ios", "format": "coreml", "minimum_os": "iOS 18", "compute_units": "cpu_only"}
    )
    assert units_for(ProfilePlan(), apple) == "cpu"
    assert COREML.devices.planned(ProfilePlan(), apple)[1] == ()
    assert COREML.devices.planned(ProfilePlan(accelerator="npu"), apple)[1]
    assert units_for(ProfilePlan(accelerator="npu"), None) == "cpu_and_ne"


def test_a_phone_s_budgets_are_not_judged_on_this_machine(model: Path) -> None:
    """However fast it is here."""
    phone = target(device=None, compute_units="cpu")
    (item,) = profile(ProfileRequest(TFLITE, [model], PLAN, IN_PROCESS, phone), ["local"])
    found = statuses(item)
    assert {status for status, _ in found.values()} == {Status.NOT_CHECKED}
    assert set(found) == {"latency.p50", "memory.peak", "energy.inference"}
    assert all("this machine" in reason for _, reason in found.values())


class Standin:
    """A device that answers when asked, and whose long command ends when it is closed."""

    def __init__(self, serial: str, seconds: float = 0, *, deaf: bool = False) -> None:
        self.serial, self._seconds, self._deaf = serial, seconds, deaf
        self.workspace = "x"
        self.can = Capabilities()
        self.closed, self.ran_to_its_end = threading.Event(), threading.Event()

    def info(self) -> DeviceInfo:
        return DeviceInfo(serial=self.serial, kind="ios")

    def __enter__(self) -> "Standin":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed.set()

    def push(self, *_: object, **__: object) -> str:
        if not (threading.Event() if self._deaf else self.closed).wait(self._seconds):
            self.ran_to_its_end.set()
        raise DeviceError("closed", serial=self.serial)


@pytest.mark.parametrize("serials", [("A",), ("A", "B")], ids=["one device", "two devices"])
@pytest.mark.parametrize("deaf", [False, True], ids=["it hears", "it does not"])
def test_ctrl_c_ends_an_apple_profile(
    serials: tuple[str, ...], deaf: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at the end of the plan; every device is closed, also one that goes on with what it does."""
    (tmp_path / "M.mlmodelc").mkdir()
    (tmp_path / "M.mlmodelc" / "a").write_text("x")
    monkeypatch.setattr(coreml_devices, "DEVICES", CoremlDevices(prepare=lambda device: None))
    devices = {serial: Standin(serial, 40, deaf=deaf) for serial in serials}
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        profile(ProfileRequest(COREML, [tmp_path / "M.mlmodelc"], PLAN), serials, opener=devices.__getitem__)  # type: ignore[arg-type]
    assert not any(device.ran_to_its_end.is_set() for device in devices.values())
    assert all(device.closed.is_set() for device in devices.values())


def test_a_fault_on_one_device_is_its_own() -> None:
    """Protects the readings of the others; a fault of this program says that it is one."""

    def measure(held: Leased) -> list[DeviceProfile]:
        if held.device.serial == "BAD":
            raise KeyError("oops")
        if held.device.serial == "LOST":
            raise DeviceError("the cable")
        return [DeviceProfile(device=held.device.serial, result=None, skipped="fine")]

    clock = SystemClock()

    def opener(serial: str) -> Any:
        return leased(serial, serial, Standin, Terms(60), clock)  # type: ignore[arg-type]

    found = on_devices(["GOOD", "BAD", "LOST"], opener, measure, clock)
    assert [item.device for item in found] == ["GOOD", "BAD", "LOST"]
    assert found[0].error is None
    assert "KeyError: 'oops'. This is a fault in mobile-export" in str(found[1].error)
    assert found[2].error == "the cable"


def test_a_device_of_another_kind_is_explained() -> None:
    """An iPhone and a .tflite file: words about the phone, not adb's; it is not opened."""
    phone = Found(DeviceInfo(serial="UDID", kind="ios", model="iPhone 15"), open=lambda: pytest.fail("it was opened"))
    request = ProfileRequest(TFLITE, [], PLAN)
    (item,) = profile(request, ["UDID"], listing=Listing((phone,)))
    assert (
        item.error == "UDID is an Apple device (iPhone 15): a .tflite file runs on this machine and devices behind adb."
    )

    def refuse(serial: str) -> Any:
        raise DeviceError(f"{serial}: adb knows no such device.")

    (item,) = profile(request, ["nosuch"], opener=refuse)
    assert item.error == "nosuch: adb knows no such device."


def test_a_wait_ends_with_ctrl_c() -> None:
    """Cooling down and idle times are minutes long."""
    clock = SystemClock()
    clock.stop()
    with pytest.raises(StoppedError):
        clock.wait(3600)


def test_the_plan_s_limit_reaches_the_runner_here(model: Path) -> None:
    """A phase ends at the plan's limit, not at one of the runner's own."""
    request = RunRequest(model=str(model), warmup_runs=1, warmup_min_s=0, runs=10**9, min_s=0, limit_s=0.3, threads=1)
    with LocalDevice() as here:
        command, env = LitertInProcess().command(request)
        done = here.run(command, timeout_s=120, env=env)
    assert done.returncode == 0, done.errors
    document = json.loads(done.text.splitlines()[-1])
    clock = document["clock"]
    assert clock["measure_end_s"] - clock["measure_start_s"] < 5
    assert document["latencies_s"]


STUB = """#!/bin/sh
case "$*" in
"devices -l") printf 'List of devices attached\\nR58M unauthorized usb:1-1\\nTV recovery\\n' ;;
*) echo "error: device '$2' not found" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def barred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An adb with one phone that was not unlocked, and a box in recovery."""
    (tmp_path / "adb").write_text(STUB)
    (tmp_path / "adb").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.mark.usefixtures("barred")
def test_device_all_without_a_ready_device_measured_nothing(mobile_export: RunCommand, model: Path) -> None:
    """From the command line: exit code 3, each device with what to do; this machine is not measured instead."""
    done = mobile_export("profile", model, "--device", "all", "--quick")
    assert done.returncode == 3
    assert "R58M is unauthorized: unlock it" in done.stdout
    assert "TV is unavailable: it is in recovery" in done.stdout
    assert "latency" not in done.stdout


@pytest.mark.usefixtures("barred")
def test_device_all_fails_under_strict_when_one_is_not_ready(mobile_export: RunCommand, model: Path) -> None:
    """What was measured passes; what was listed and could not be is not checked."""
    options = ("profile", model, "--device", "all", "--device", "local", "--quick", "-f", "json")
    done = mobile_export(*options)
    assert done.returncode == 0, done.stderr
    found = {item["device"]: item for item in json.loads(done.stdout)["profiles"]}
    assert found["local"]["result"]["readings"]
    assert found["R58M"]["info"]["state"] == "unauthorized"
    assert found["R58M"]["verdicts"][0]["status"] == "not checked"
    assert mobile_export(*options, "--strict").returncode == 1


def test_a_target_of_another_format_is_refused(mobile_export: RunCommand, model: Path) -> None:
    """A Core ML target's budgets say nothing of a .tflite file."""
    done = mobile_export("profile", model, "--target", "iphone-15", "--quick")
    assert done.returncode == 2
    assert "is for Core ML models" in done.stderr


def test_models_that_took_turns_are_held_against_the_first(
    model: Path, tmp_path: Path, mobile_export: RunCommand
) -> None:
    """Protects `profile A B`: each device says whether B differs from A, and with how many rounds it was asked."""
    copy = tmp_path / "copy.tflite"
    copy.write_bytes(model.read_bytes())
    plan = tmp_path / "plan.toml"
    plan.write_text("processes = 7\nruns = 3\nmin_s = 0\nwarmup_min_s = 0\nenergy_repeats = 0\ncool_down = false\n")
    done = mobile_export("profile", str(model), str(copy), "--plan", str(plan), "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [one["result"]["artifact"] for one in document["profiles"]] == [str(model), str(copy)]
    (change,) = document["changes"]
    assert (change["baseline"], change["candidate"]) == (str(model), str(copy))
    latency = next(one for one in change["changes"] if one["metric"] == "latency")
    assert latency["comparison"]["low"] < latency["comparison"]["ratio"] < latency["comparison"]["high"]
    assert latency["reason"].endswith("over 7 rounds, turn by turn")
    readings = [one for profile in document["profiles"] for one in profile["result"]["readings"]]
    assert all(len(one["turns"]) >= 7 for one in readings if one["metric"] in ("latency", "cpu_time"))


@pytest.mark.parametrize(
    ("others", "said"),
    [(("other.mlpackage",), "models of one format"), (("copy.tflite", "--against", "old.json"), "give one model")],
)
def test_what_cannot_be_held_against_each_other(
    others: tuple[str, ...], said: str, tmp_path: Path, mobile_export: RunCommand, model: Path
) -> None:
    for name in ("copy.tflite", "old.json"):
        (tmp_path / name).write_bytes(model.read_bytes())
    package = tmp_path / "other.mlpackage"
    package.mkdir()
    (package / "Manifest.json").write_text("{}")
    given = [str(tmp_path / one) if "." in one else one for one in others]
    done = mobile_export("profile", str(model), *given)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
