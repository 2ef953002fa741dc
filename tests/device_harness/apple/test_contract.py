"""Devices that run one app, under the Device contract, each through its own tools (stand-ins that act out a device)."""

import json
from pathlib import Path

import pytest

from device_harness.apple import app as app_device
from device_harness.apple.devicectl import ListedDevice
from device_harness.apple.mac import MacDevice
from device_harness.apple.phone import AppleDevice
from device_harness.apple.pymobiledevice import PymobiledeviceDevice
from device_harness.apple.settings import AppleSettings
from device_harness.apple.simctl import ListedSimulator
from device_harness.apple.simulator import AppleSimulator
from device_harness.apple.usbmux import AttachedDevice
from device_harness.errors import CommandFailedError, DeviceError
from device_harness.facts import CommandResult
from tests.contracts.devices import DeviceContract, Subject
from tests.device_harness.test_local import process_runs
from tests.fakes.apple.stage import Stage, set_stage

PHONE = ListedDevice(
    identifier="E5E85238",
    udid="00008120-1E",
    name="Test iPhone",
    platform="iOS",
    model="iPhone 14 Pro",
    product_type="iPhone15,2",
    os_version="17.6.1",
    os_build="21G93",
    reality="physical",
    transport="localNetwork",
    tunnel="disconnected",
    pairing="paired",
    developer_mode="enabled",
    boot_state=None,
)
SIMULATOR = ListedSimulator("FA628127", "iPhone 16", "iOS", "18.2", "Booted", None)
ATTACHED = AttachedDevice("00008120-1E", "Test iPhone", "iPhone", "iPhone15,2", "17.6.1", "21G93", "USB")
SETTINGS = AppleSettings()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(app_device, "FIRST_POLL_S", 0.02)
    return set_stage(tmp_path, monkeypatch, "xcrun", "pymobiledevice3")


def exists(stage: Stage, path: str) -> bool:
    return (stage.container / path).exists()


class TestAppleDevice(DeviceContract):
    @pytest.fixture
    def subject(self, stage: Stage) -> Subject:
        return Subject(lambda: AppleDevice(PHONE, SETTINGS), process_runs, lambda path: exists(stage, path))


@pytest.mark.slow
class TestAppleSimulator(DeviceContract):
    @pytest.fixture
    def subject(self, stage: Stage) -> Subject:
        return Subject(lambda: AppleSimulator(SIMULATOR, SETTINGS), process_runs, lambda path: exists(stage, path))


@pytest.mark.slow
class TestPymobiledevice(DeviceContract):
    @pytest.fixture
    def subject(self, stage: Stage) -> Subject:
        return Subject(lambda: PymobiledeviceDevice(ATTACHED, SETTINGS), process_runs, lambda path: exists(stage, path))


class TestMacDevice(DeviceContract):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(MacDevice, process_runs, lambda path: Path(path).exists())


def test_one_command_at_a_time(stage: Stage) -> None:
    """A second launch would end the first one without a word."""
    with AppleSimulator(SIMULATOR, SETTINGS) as device:
        device.start(["/bin/sleep", "30"])
        with pytest.raises(DeviceError, match="one command at a time"):
            device.run(["clock"], timeout_s=5)


def test_an_app_that_vanishes_is_told(stage: Stage) -> None:
    """Ended by the system for its memory: there is no return code to invent."""
    with AppleSimulator(SIMULATOR, SETTINGS) as device:
        started = device.start(["/bin/sh", "-c", "kill -9 $PPID"])
        with pytest.raises(CommandFailedError, match="too much memory"):
            started.wait(10)


def test_simulators_say_so(stage: Stage) -> None:
    """Their readings are never compared with a device's."""
    assert AppleSimulator(SIMULATOR, SETTINGS).info().environment == "simulator"
    assert json.loads(AppleDevice(PHONE, SETTINGS).info().model_dump_json())["environment"] == "device"


@pytest.mark.parametrize("said", [b"Infinity", b"1e999", b"null", b"[]", b"x", b"9" * 400])
def test_a_clock_that_is_no_number_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    """No measurement may stand at an infinite time."""
    with AppleSimulator(SIMULATOR, SETTINGS) as device:
        answer = CommandResult(command=("clock",), returncode=0, stdout=said, stderr=b"", duration_s=0.1)
        monkeypatch.setattr(device, "run", lambda command, timeout_s: answer)
        with pytest.raises(CommandFailedError, match="gave no clock"):
            device.clock_offset()
