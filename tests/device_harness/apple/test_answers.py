"""Answers of devicectl, simctl and pymobiledevice3: read as far as they go, whatever the version; nothing invented."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness.apple import devicectl, simctl
from device_harness.apple.usbmux import parse_attached
from device_harness.errors import UnreadableOutputError
from tests.fakes.apple.stage import DATA

NAMES = """
    info outcome result devices identifier hardwareProperties properties udid platform error userInfo
    NSUnderlyingError code state name isAvailable process processIdentifier runningProcesses
    installedApplications bundleID UniqueDeviceID
"""
KEYS = st.sampled_from([*NAMES.split(), "iOS 12.1"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just("success"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
PARSERS = (
    devicectl.parse_devices,
    devicectl.parse_installed,
    devicectl.parse_launched,
    devicectl.parse_processes,
    simctl.parse_simulators,
    parse_attached,
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No crash, and no device without an identifier in the input."""
    for parse in PARSERS:
        try:
            found = parse(data)
        except UnreadableOutputError:
            continue
        for device in found if isinstance(found, tuple) else ():
            name = str(getattr(device, "identifier", None) or device.udid)
            assert name.isascii() is False or name.encode() in data


@pytest.mark.parametrize("version", ["v2", "v5"])
def test_layouts_of_devicectl(version: str) -> None:
    """Xcode 16's layout, and the one that is described for Xcode 27."""
    device = devicectl.parse_devices((DATA / f"devicectl_{version}.json").read_bytes())[0]
    assert (device.identifier, device.udid, device.name) == ("ID-READY", "UDID-READY", "Ready phone")
    assert (device.platform, device.pairing, device.developer_mode) == ("iOS", "paired", "enabled")
    assert device.physical
    assert device.reachable


def test_captured_listings(shared: Path) -> None:
    """Real answers of devicectl 397, the shape of version 5, and appium's simulators."""
    folder = shared / "fixtures"
    phone, watch = devicectl.parse_devices((folder / "ios/devicectl_list_devices_jsonv2_trimmed.json").read_bytes())
    assert (phone.model, phone.os_version, phone.tunnel, phone.reachable) == (
        "iPhone 14 Pro",
        "17.6.1",
        "disconnected",
        True,
    )
    assert (watch.platform, watch.os_version, watch.developer_mode) == ("watchOS", None, None)
    (newer,) = devicectl.parse_devices((folder / "ios/devicectl_v5_shape_SYNTHETIC.json").read_bytes())
    assert (newer.udid, newer.tunnel, newer.physical, newer.name) == ("UDID", "connected", True, None)
    assert devicectl.parse_installed((folder / "ios/devicectl_install_app.json").read_bytes()) == "com.example.bundle"
    unavailable = set()
    for path in sorted((folder / "simctl").glob("*.json")):
        listed = simctl.parse_simulators(path.read_bytes())
        assert len(listed) == sum(map(len, json.loads(path.read_text())["devices"].values()))
        assert {one.platform for one in listed} == {"iOS", "tvOS", "watchOS"}
        unavailable |= {one.unavailable for one in listed}
    assert unavailable == {None, "runtime profile not found"}


def test_failures_are_told_to_the_root() -> None:
    """The outermost message of devicectl says little; the reason is below it."""
    steps = json.loads((DATA / "sessions/launch_locked.json").read_text())
    with pytest.raises(UnreadableOutputError, match=r"failed to launch.*unlocked"):
        devicectl.read_answer(json.dumps(steps[0]["json"]))


@pytest.mark.parametrize("output", ["", "org.x: nothing", "org.x 512"])
def test_a_launch_without_a_process_is_refused(output: str) -> None:
    with pytest.raises(UnreadableOutputError):
        simctl.parse_launched(output)
    assert simctl.parse_launched("org.mobile-export.coreml-bench: 512\n") == 512
