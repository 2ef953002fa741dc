"""Scripted sessions: what exactly the tools are asked, and what comes of slow, cut, refused and missing answers.

The stand-ins compare every argument; a command line that differs from the session's ends the test.
"""

from pathlib import Path

import pytest

from device_harness.apple import mac, pymobiledevice, simulator
from device_harness.apple import phone as apple_phone
from device_harness.apple.devicectl import parse_devices
from device_harness.apple.phone import AppleDevice
from device_harness.apple.settings import AppleSettings
from device_harness.discovery import Listing, discover, open_device
from device_harness.errors import (
    CommandFailedError,
    DeviceDisconnectedError,
    DeviceError,
    DeviceNotFoundError,
    DeviceUnauthorizedError,
    UnreadableOutputError,
)
from device_harness.finder import Finder
from tests.fakes.apple.stage import DATA, Stage

APPLE: list[Finder] = [mac.FINDER, apple_phone.FINDER, simulator.FINDER, pymobiledevice.FINDER]


def apple_devices() -> Listing:
    """Those of every Apple tool."""
    return discover(APPLE)


def phone() -> AppleDevice:
    return AppleDevice(parse_devices((DATA / "devicectl_v2.json").read_bytes())[0], AppleSettings())


@pytest.mark.parametrize("session", ["discover_v2", "discover_slow"])
def test_discovery(stage: Stage, session: str) -> None:
    """Each device once, with its state and the next step; shut-down simulators only while none is booted."""
    stage.play(session)
    listing = apple_devices()
    found = listing.found
    assert listing.problems == ()
    states = {one.info.serial: (one.info.kind, one.info.state.value) for one in found}
    states.pop("UDID-WIFI", None)
    assert states == {
        "UDID-READY": ("ios", "ready"),
        "UDID-UNPAIRED": ("ios", "unauthorized"),
        "UDID-NO-DEV": ("ios", "unauthorized"),
        "UDID-AWAY": ("ios", "offline"),
        "SIM-BOOTED": ("simulator", "ready"),
    }
    advice = {one.info.serial: one.info.advice for one in found}
    assert "Trust" in str(advice["UDID-UNPAIRED"])
    assert "Developer Mode" in str(advice["UDID-NO-DEV"])
    assert advice["UDID-READY"] is None
    assert stage.left() == 0
    with pytest.raises(DeviceError, match="iPhone 15 is unauthorized"):
        next(one for one in found if one.info.serial == "UDID-UNPAIRED").session()


def test_discovery_of_a_newer_version(stage: Stage) -> None:
    stage.play("discover_v5")
    listing = apple_devices()
    assert [one.serial for one in listing.devices] == ["UDID-READY", "SIM-BOOTED"]
    assert listing.problems == ()


@pytest.mark.parametrize(
    ("session", "words"),
    [
        ("discover_cut", ["not JSON", "not JSON", "not JSON"]),
        ("discover_no_xcode", ["Install Xcode", "Install Xcode", "usbmuxd"]),
        ("discover_license", ["-license accept", "-license accept"]),
    ],
)
def test_what_keeps_devices_from_being_found_is_told(stage: Stage, session: str, words: list[str]) -> None:
    """One broken tool hides neither the others nor itself."""
    stage.play(session)
    listing = apple_devices()
    problems = listing.problems
    assert listing.found == ()
    assert len(problems) == len(words)
    assert all(word in problem.message for word, problem in zip(words, problems, strict=True))


def test_machines_without_the_tools_have_no_problem(stage: Stage) -> None:
    for program in (stage.folder / "bin").iterdir():
        program.unlink()
    assert apple_devices() == Listing()
    with pytest.raises(DeviceNotFoundError, match="X: there is no such device"):
        open_device("X", APPLE)


@pytest.mark.parametrize(
    ("session", "kind", "words"),
    [
        ("launch_locked", DeviceUnauthorizedError, "Unlock the device"),
        ("launch_developer_mode", DeviceUnauthorizedError, "Privacy & Security, Developer Mode"),
        ("launch_untrusted", CommandFailedError, "VPN & Device Management"),
        ("launch_gone", DeviceNotFoundError, "mobile-export devices"),
        ("launch_lost", DeviceDisconnectedError, "Check the cable"),
        ("launch_garbled", UnreadableOutputError, "names no process"),
        ("launch_silent", UnreadableOutputError, "wrote nothing"),
        ("launch_failed_with_0", UnreadableOutputError, "something odd"),
        ("launch_prompt", DeviceError, "keychain"),
    ],
)
def test_refusals_say_what_to_do(stage: Stage, session: str, kind: type[DeviceError], words: str) -> None:
    """Locked, without developer mode, untrusted, gone, cut off, garbled, and a question that nobody answers."""
    stage.play(session)
    with pytest.raises(kind, match=words) as caught:
        phone().start(["clock"])
    assert caught.value.serial == "UDID-READY" or kind is UnreadableOutputError
    assert stage.left() == 0


@pytest.mark.parametrize("session", ["clock", "clock_lost_connection"])
def test_a_whole_session(stage: Stage, session: str) -> None:
    """Launch, wait, fetch code and streams, remove the workspace: these commands; a cable may come loose meanwhile."""
    for name, content in (("exit", "0\n"), ("stdout", "5000.5\n"), ("stderr", "")):
        (stage.folder / name).write_text(content)
    stage.play(session)
    with phone() as device:
        offset = device.clock_offset()
        folder = f"{device.workspace}/.run-1"
    assert stage.left() == 0
    assert 0 < offset.uncertainty_s < 30
    sources = [call[call.index("--source") + 1] for call in stage.calls() if "--source" in call]
    assert sources == [f"{folder}/exit", f"{folder}/stdout", f"{folder}/stderr"]


def test_a_connection_that_stays_lost_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from device_harness.apple import app as app_device

    monkeypatch.setattr(app_device, "RECONNECT_S", 0.0)
    stage.play("clock_lost_for_good")
    with pytest.raises(DeviceDisconnectedError, match="Check the cable"):
        phone().run(["clock"], timeout_s=30)


def test_settings_that_cannot_be_right_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOBILE_EXPORT_APPLE_TEAM", "me@example.com")
    with pytest.raises(CommandFailedError, match="ten characters"):
        AppleSettings.from_environment()
    monkeypatch.setenv("MOBILE_EXPORT_APPLE_TEAM", "ABCDE12345")
    monkeypatch.setenv("MOBILE_EXPORT_APPLE_BUNDLE", "no dots; rm -rf")
    with pytest.raises(CommandFailedError, match=r"com\.example"):
        AppleSettings.from_environment()


def test_a_hung_tool_is_ended(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing waits for ever for a devicectl that does not answer."""
    from device_harness.apple import phone as apple_device

    monkeypatch.setattr(apple_device, "LIST_S", 0.5)
    stage.script({"tool": "xcrun", "args": ["devicectl", "list", "devices", "--json-output", "*"], "hang": True})
    with pytest.raises(DeviceError, match="did not end within"):
        apple_device.list_devices()


def test_this_mac_describes_itself(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly these questions; a fact that is not told is left out."""
    from device_harness.apple import mac

    stage.script(
        {"tool": "sw_vers", "args": ["-productVersion"], "stdout": "15.2\n"},
        {"tool": "sw_vers", "args": ["-buildVersion"], "rc": 1},
        {"tool": "sysctl", "args": ["-n", "hw.model"], "stdout": "Mac16,6\n"},
        {"tool": "sysctl", "args": ["-n", "machdep.cpu.brand_string"], "stdout": "Apple M4 Max\n"},
    )
    info = mac.describe()
    assert (info.kind, info.os, info.model, info.soc) == ("mac", "macOS 15.2", "Mac16,6", "Apple M4 Max")
    assert "os_build" not in info.facts
    assert stage.left() == 0


def test_a_mac_is_found_first(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from device_harness.apple import mac

    monkeypatch.setattr(mac, "runs_here", lambda: True)
    for program in (stage.folder / "bin").iterdir():
        program.unlink()
    assert [one.serial for one in apple_devices().devices] == ["mac"]
    with open_device("mac", APPLE) as device:
        assert device.info().kind == "mac"
