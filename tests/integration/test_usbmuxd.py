"""The real pymobiledevice3 against a peer that speaks usbmuxd's, lockdownd's and AFC's own protocols, TLS with them.

What an iPhone's developer services do (launching, power) is not in the peer: no hardware here could show it.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from device_harness.apple.pymobiledevice import FINDER, PymobiledeviceDevice
from device_harness.apple.settings import AppleSettings
from device_harness.errors import (
    DeviceError,
    DeviceUnauthorizedError,
    StorageFullError,
    ToolMissingError,
    TransferError,
)
from device_harness.facts import DeviceState
from tests.fakes.adbd import PROJECT

pytestmark = pytest.mark.slow
VERSION = "11.45.0"
FIRST, SECOND = "00008120-001A2B3C4D5E6F70", "00008130-000A1B2C3D4E5F60"
VALUES = {"DeviceClass": "iPhone", "ProductVersion": "16.5", "BuildVersion": "20F66", "UniqueChipID": 1}


@pytest.fixture(scope="session")
def pymobiledevice() -> Path:
    """The folder of its programs; installed apart, once a checkout, as its licence wants it."""
    folder = PROJECT / "build" / f"pymobiledevice3-{VERSION}"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "bin" / "pymobiledevice3").exists():
            uv = str(PROJECT / "tools" / "uv")
            for command in (
                [uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)],
                [uv, "pip", "install", "-q", "--python", str(folder / "bin/python"), f"pymobiledevice3=={VERSION}"],
            ):
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    pytest.skip(f"pymobiledevice3 cannot be installed: {done.stderr.strip()[-200:]}")
    return folder / "bin"


@pytest.fixture
def peer(pymobiledevice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Starts the peer with phones whose owners do as told; gives its folder."""
    folder = tmp_path / "peer"
    with contextlib.ExitStack() as stack:

        def start(**trusts: str) -> Path:
            names = {FIRST: "iPhone16,1", SECOND: "iPhone17,2"}
            entries: list[dict[str, Any]] = []
            for (udid, product), (connection, trust) in zip(names.items(), trusts.items(), strict=False):
                values = {**VALUES, "DeviceName": "Lab phone", "ProductType": product}
                entries.append({"udid": udid, "connection": connection, "trust": trust, "values": values})
                (folder / udid / AppleSettings.from_environment().bundle / "Documents").mkdir(parents=True)
            (folder / "devices.json").write_text(json.dumps(entries))
            script = Path(__file__).parents[1] / "fakes" / "apple" / "usbmuxd.py"
            command = [str(pymobiledevice / "python"), str(script), str(tmp_path / "socket"), str(folder)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            return folder

        (tmp_path / "home").mkdir()
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("USBMUXD_SOCKET_ADDRESS", str(tmp_path / "socket"))
        monkeypatch.setenv("PATH", str(pymobiledevice), prepend=os.pathsep)
        yield start


def pair(udid: str) -> None:
    """As its user does it."""
    subprocess.run(["pymobiledevice3", "lockdown", "pair", "--udid", udid], check=True, capture_output=True)


def opened(udid: str) -> PymobiledeviceDevice:
    device = next(one for one in FINDER.find() if one.info.serial == udid).open()
    assert isinstance(device, PymobiledeviceDevice)
    return device


def test_discovery_and_pairing(peer: Callable[..., Path]) -> None:
    """By cable and by network; trusted and not yet, until the pairing that the advice names."""
    peer(USB="accept", Network="accept")
    pair(SECOND)
    found = {one.info.serial: one.info for one in FINDER.find()}
    assert {serial: (one.state, one.connection) for serial, one in found.items()} == {
        FIRST: (DeviceState.UNAUTHORIZED, "usb"),
        SECOND: (DeviceState.READY, "network"),
    }
    assert (found[FIRST].model, found[FIRST].os) == ("iPhone16,1", "iOS 16.5")
    assert "pymobiledevice3 lockdown pair" in (found[FIRST].advice or "")
    pair(FIRST)
    assert {one.info.state for one in FINDER.find()} == {DeviceState.READY}


def test_files_go_there_and_come_back(peer: Callable[..., Path], tmp_path: Path) -> None:
    """Whole, under the name that was asked for; also one that is sent in pieces, and what cannot be is told as such."""
    folder = peer(USB="accept")
    pair(FIRST)
    device = opened(FIRST)
    content = os.urandom(5 << 20)  # more than pymobiledevice3 sends at once
    (tmp_path / "model").write_bytes(content)
    device.copy_to(tmp_path / "model", "Documents/part")
    assert (folder / FIRST / device.bundle / "Documents" / "part").read_bytes() == content
    device.copy_from("Documents/part", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    with pytest.raises(TransferError):
        device.copy_from("Documents/none", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    (folder / "full").touch()
    with pytest.raises(StorageFullError, match="Free some storage"):
        device.copy_to(tmp_path / "model", "Documents/part")


def test_an_app_that_is_not_installed(peer: Callable[..., Path], tmp_path: Path) -> None:
    folder = peer(USB="accept")
    pair(FIRST)
    device = opened(FIRST)
    for one in (folder / FIRST / device.bundle).iterdir():
        one.rmdir()
    (folder / FIRST / device.bundle).rmdir()
    (tmp_path / "model").write_bytes(b"x")
    with pytest.raises(DeviceError, match=f"No app with bundle ID {device.bundle}"):
        device.copy_to(tmp_path / "model", "Documents/part")


@pytest.mark.parametrize("trust", ["deny", "locked"])
def test_a_phone_that_is_not_trusted_or_locked(peer: Callable[..., Path], tmp_path: Path, trust: str) -> None:
    """Exit code and advice are those of a phone that must be unlocked or asked; no raw error of a library."""
    peer(USB=trust)
    (tmp_path / "model").write_bytes(b"x")
    with pytest.raises(DeviceUnauthorizedError):
        opened(FIRST).copy_to(tmp_path / "model", "Documents/part")


def test_no_usbmuxd(peer: Callable[..., Path]) -> None:
    with pytest.raises(ToolMissingError, match="start usbmuxd"):
        FINDER.find()
