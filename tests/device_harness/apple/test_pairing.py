"""An iPhone that does not trust this computer is listed as such: usbmuxd's own protocol, from a peer that speaks it."""

import plistlib
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device_harness.apple import pairing
from device_harness.apple.pymobiledevice import describe
from device_harness.apple.usbmux import AttachedDevice
from device_harness.facts import DeviceState

UDID = "00008130-000A1B2C3D4E5F60"
PHONE = AttachedDevice(UDID, "Lab iPhone", "iPhone", "iPhone16,1", "18.5", "22F76", "USB")


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], list[Any]]:
    """Has usbmuxd answer with this; gives what it was asked."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(pairing.VARIABLE, f"UNIX:{tmp_path}/usbmuxd")

    def answer(content: bytes) -> list[Any]:
        asked: list[Any] = []
        server = socket.socket(socket.AF_UNIX)
        server.bind(f"{tmp_path}/usbmuxd")
        server.listen(1)

        def serve() -> None:
            with server, server.accept()[0] as stream:
                length = struct.unpack("<IIII", stream.recv(16))[0]
                asked.append(plistlib.loads(stream.recv(length - 16)))
                stream.sendall(content)

        threading.Thread(target=serve, daemon=True).start()
        return asked

    return answer


def message(answer: dict[str, Any]) -> bytes:
    content = plistlib.dumps(answer)
    return struct.pack("<IIII", 16 + len(content), 1, 8, 1) + content


@pytest.mark.parametrize(
    ("content", "paired", "state"),
    [
        (message({"MessageType": "Result", "Number": 2}), False, DeviceState.UNAUTHORIZED),
        (message({"PairRecordData": b"<plist/>"}), True, DeviceState.READY),
        (message({"MessageType": "Result", "Number": 0}), None, DeviceState.READY),
        (b"garbage", None, DeviceState.READY),
        (struct.pack("<IIII", 1 << 30, 1, 8, 1), None, DeviceState.READY),
    ],
    ids=["unpaired", "paired", "neither", "cut off", "absurd"],
)
def test_by_usbmuxd_s_record(
    answering: Callable[[bytes], list[Any]], content: bytes, paired: bool | None, state: DeviceState
) -> None:
    """What cannot be told leaves it listed as before; the first command says then what is wrong."""
    asked = answering(content)
    found = pairing.is_paired(UDID)
    assert found is paired
    assert (asked[0]["MessageType"], asked[0]["PairRecordID"]) == ("ReadPairRecord", UDID)
    info = describe(PHONE, paired=found)
    assert info.state is state
    assert ("Trust" in (info.advice or "")) == (state is DeviceState.UNAUTHORIZED)


def test_the_tool_s_own_record_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(pairing.VARIABLE, f"{tmp_path}/none")
    assert pairing.is_paired(UDID) is None
    (tmp_path / pairing.OWN_RECORDS).mkdir()
    (tmp_path / pairing.OWN_RECORDS / f"{UDID}.plist").touch()
    assert pairing.is_paired(UDID)
