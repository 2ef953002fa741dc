"""What adb's words mean: devices and their states, errors and their causes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness import errors
from device_harness.adb.errors import classify, classify_transfer
from device_harness.adb.facts import parse_devices, parse_properties

LISTING = """* daemon started successfully
List of devices attached
127.0.0.1:15556        device transport_id:1
R5CT10XYZ              device usb:1-1 product:b0q model:SM_S908B device:b0q transport_id:2
emulator-5554          device product:sdk model:sdk_gphone64 transport_id:3
0A041FDD               unauthorized usb:1-2 transport_id:4
0123456789ABCDEF       offline usb:1-3 transport_id:5
0123                   no permissions (user in plugdev group; are your udev rules wrong?); see [http://x] usb:1-4
FEED                   recovery usb:1-5 transport_id:6

"""


def test_states_and_advice() -> None:
    """Every state that adb has, with what to do about the bad ones."""
    found = {info.serial: info for info in parse_devices(LISTING)}
    states = " ".join(info.state.value for info in found.values())
    assert states == "ready ready ready unauthorized offline unavailable unavailable"
    assert [info.connection for info in found.values()][:4] == ["tcp", "usb", "emulator", "usb"]
    assert found["R5CT10XYZ"].model == "SM S908B"
    assert found["emulator-5554"].environment == "emulator"
    assert all((info.advice is None) == (info.state == "ready") for info in found.values())
    assert "udev" in str(found["0123"].advice)


WIRELESS = "adb-R5CT60ABCDE-AbCdEf._adb-tls-connect._tcp"


def test_wireless_debugging_and_serials_with_blanks() -> None:
    """Android 11's wireless debugging names devices adb-..., and two of one name get a blank and a number."""
    listing = (
        "* daemon not running; starting now at tcp:5037\r\n* daemon started successfully\r\n"
        "List of devices attached\r\n"
        f"{WIRELESS} device product:b0qxxx model:SM_S908B device:b0q transport_id:3\r\n"
        "adb-R5CT60ABCDE-AbCdEf (2)._adb-tls-connect._tcp offline transport_id:4\r\n"
        "my device (2)          device product:my device model:A_1 device:b0q transport_id:5\r\n"
        "device offline         unauthorized transport_id:6\r\n"
        "\r\n"
    )
    found = [(info.serial, info.state.value, info.connection, info.model) for info in parse_devices(listing)]
    assert found == [
        (WIRELESS, "ready", "tcp", "SM S908B"),
        ("adb-R5CT60ABCDE-AbCdEf (2)._adb-tls-connect._tcp", "offline", "tcp", None),
        ("my device (2)", "ready", "usb", "A 1"),
        ("device offline", "unauthorized", "usb", None),
    ]


def test_devices_that_cannot_be_addressed_are_shown_and_not_ready() -> None:
    """One serial twice, none at all, or bytes that are no text: adb cannot be told which; nothing is dropped."""
    listing = (
        "List of devices attached\nSAME device product:a model:Pixel_8\nSAME device product:b model:Pixel_8\n"
        "(no serial number)     device usb:1-2 transport_id:4\n\ufffd\ufffdgarbage device\nFB fastboot\nNEW elsewhere\n"
    )
    found = parse_devices(listing)
    assert [info.serial for info in found] == ["SAME", "SAME", "(no serial number)", "\ufffd\ufffdgarbage", "FB", "NEW"]
    assert {info.state.value for info in found} == {"unavailable"}
    assert "unplug all but one" in str(found[0].advice)
    assert "bootloader" in str(found[4].advice)


SERIALS = st.from_regex(r"[A-Za-z0-9._:()-]{1,12}( [A-Za-z0-9._:()-]{1,12}){0,2}", fullmatch=True).filter(
    lambda serial: (
        not re.search(r"(?:^| )(?:usb|product|model|device|transport_id|features):", serial)
        and not re.match(r"adb: |error: |adb server |List of|\* ", serial)
    )
)
WORDS = {
    "device": "ready",
    "offline": "offline",
    "unauthorized": "unauthorized",
    "recovery": "unavailable",
    "no permissions (are your udev rules wrong?); see [http://x]": "unavailable",
}
DETAILS = st.sampled_from(["", " usb:1-4", " product:my device model:Pixel_8 device:x", " transport_id:3"])


@given(
    st.lists(st.tuples(SERIALS, st.sampled_from(sorted(WORDS)), DETAILS), unique_by=lambda row: row[0]),
    st.sampled_from(["\n", "\r\n", "\r\r\n"]),
    st.sampled_from(["", "adb server is out of date.  killing...\n"]),
)
def test_every_listed_device_is_found_once(rows: list[tuple[str, str, str]], end: str, before: str) -> None:
    """Whatever the serials, states, details and line ends, as adb lays a line out."""
    text = before + "List of devices attached" + end
    text += "".join(f"{serial:<22} {word}{details}{end}" for serial, word, details in rows)
    assert [(info.serial, info.state.value) for info in parse_devices(text)] == [
        (serial, WORDS[word]) for serial, word, _ in rows
    ]


@given(st.text(max_size=200))
def test_any_listing(text: str) -> None:
    """No text crashes it."""
    assert all(info.serial for info in parse_devices(text))
    assert all(key for key in parse_properties(text))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("adb: device 'nosuch' not found", errors.DeviceNotFoundError),
        ("error: no devices/emulators found", errors.DeviceNotFoundError),
        ("error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set", errors.DeviceUnauthorizedError),
        ("error: device offline", errors.DeviceDisconnectedError),
        ("error: closed", errors.DeviceDisconnectedError),
        ("error: protocol fault (couldn't read status): Connection reset by peer", errors.DeviceDisconnectedError),
        ("adb: cannot connect to daemon at tcp:5037: Connection refused", errors.DeviceDisconnectedError),
        ("", errors.DeviceDisconnectedError),
        ("cp: write error: No space left on device", errors.StorageFullError),
        ("something else", errors.DeviceError),
    ],
)
def test_meanings(words: str, kind: type[errors.DeviceError]) -> None:
    """Each cause has its own type, names the device, and says what to do."""
    found = classify("SERIAL", "a push", words)
    assert type(found) is kind
    assert "SERIAL" in str(found)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("adb: error: failed to copy 'a' to 'b': remote couldn't create file: Permission denied", errors.TransferError),
        ("adb: error: failed to stat remote object 'x': No such file or directory", errors.TransferError),
        (
            "adb: error: failed to copy 'a' to 'b': remote No space left on device",
            errors.StorageFullError,
        ),
        ("adb: error: connect failed: closed", errors.DeviceDisconnectedError),
    ],
)
def test_transfers(words: str, kind: type[errors.DeviceError]) -> None:
    """A missing file, a full disk and a lost cable are three things."""
    assert type(classify_transfer("SERIAL", "push", "a", words)) is kind
