"""Lost connections, full disks, hanging daemons: a clear error or a completed run, soon, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device_harness.adb import client as adb_client
from device_harness.adb import device as adb
from device_harness.errors import DeviceNotFoundError, DeviceRebootedError, StorageFullError
from tests.contracts.devices import gone
from tests.fakes.adbd import PROJECT, SERIAL, AdbdRig, UnavailableError, adbd_rig
from tests.fakes.faults import FAULTS, inject

GRACE_S = 2
LONGEST_S = 60


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbdRig]:
    """A daemon of its own: it is killed here."""
    try:
        with adbd_rig(tmp_path_factory.mktemp("faults")) as rig:
            yield rig
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds instead of tens of them."""
    monkeypatch.setattr(adb_client, "CONTROL_LIMIT_S", 5.0)
    monkeypatch.setattr(adb_client, "RECONNECT_LIMIT_S", 5.0)
    monkeypatch.setattr(adb, "GUARD_GRACE_S", GRACE_S)


# The long ones take their time; `benchmarks/profile_faults.py` has them too, a hundred at random times.
QUICK_FAULTS = [fault for fault in FAULTS if fault not in ("cut it and refuse for 9 s", "kill adbd, back in 8 s")]


@pytest.mark.parametrize("fault", QUICK_FAULTS)
def test_fault_during_a_run(rig: AdbdRig, tmp_path: Path, fault: str) -> None:
    """Each fault in the middle of a session."""
    outcome = inject(rig, fault, 1.2, tmp_path, grace_s=GRACE_S)
    assert outcome.seconds < LONGEST_S
    assert outcome.leftovers == []
    assert outcome.ended == "completed" or len(outcome.message) > 40, outcome


def test_losing_the_connection_while_opening(rig: AdbdRig, tmp_path: Path) -> None:
    """Between making the workspace and knowing it there is no moment without a guard."""
    for delay_s in (0.0, 0.05, 0.1, 0.15):
        assert inject(rig, "cut the connection", delay_s, tmp_path, grace_s=GRACE_S).leftovers == []


def test_full_disk_is_told_as_such(rig: AdbdRig, tmp_path: Path) -> None:
    """The part that was written is removed again."""
    payload = tmp_path / "payload.bin"
    payload.write_bytes(bytes(30_000_000))
    rig.connect()
    with rig.open() as device:
        rig.fill_storage()
        try:
            with pytest.raises(StorageFullError, match="full"):
                device.push(payload, "payload.bin")
            assert not rig.exists(f"{device.workspace}/payload.bin.part")
        finally:
            rig.free_storage()


def test_reboot_is_told_as_such(rig: AdbdRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a loss another boot id means that processes and clocks of before are gone."""
    rig.connect()
    with rig.open() as device:
        monkeypatch.setattr(device, "_boot_id", "another")
        payload = tmp_path / "payload.bin"
        payload.write_bytes(bytes(60_000_000))
        rig.refuse(True)
        rig.cut()
        time.sleep(0.3)
        rig.refuse(False)
        with pytest.raises(DeviceRebootedError, match="started anew"):
            device.push(payload, "payload.bin")


def test_killed_client_leaves_nothing(rig: AdbdRig) -> None:
    """SIGKILL of this program: the device's own guard kills, restores and removes."""
    rig.connect()
    marker = "3412345"
    script = (
        "import os, signal\n"
        "from device_harness.adb import device as adb\n"
        f"adb.GUARD_GRACE_S = {GRACE_S}\n"
        f"device = adb.AdbDevice({SERIAL!r}, program={str(rig.adb)!r})\n"
        "device.on_leaving('touch /tmp/restored')\n"
        f"device.start(['sleep', '{marker}'])\n"
        "print(device.workspace, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)}
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert gone(rig.alive, marker, GRACE_S + 10)
    end = time.monotonic() + 10
    while rig.exists(done.stdout.strip()) and time.monotonic() < end:
        time.sleep(0.1)
    assert not rig.exists(done.stdout.strip())
    assert rig.exists("/tmp/restored")


def test_commands_on_leaving_run_last_first(rig: AdbdRig) -> None:
    """What was changed last is put back first, as data: quotes survive."""
    rig.connect()
    with rig.open() as device:
        device.on_leaving("printf '%s;' \"it's $((1+1))\" >> /tmp/order")
        device.on_leaving("printf 'second;' >> /tmp/order")
    assert rig.on_device("/tmp/order").read_text() == "second;it's 2;"


def test_absent_device(rig: AdbdRig) -> None:
    """Told apart from a lost one, with what to do."""
    with pytest.raises(DeviceNotFoundError, match="mobile-export devices"):
        adb.AdbDevice("nosuch", program=str(rig.adb))
