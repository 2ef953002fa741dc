"""Faults of a connection to a device while a session works on it, and what became of the session."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from device_harness.errors import DeviceError
from device_harness.protocol import Device
from tests.fakes.adbd import AdbdRig


class Outcome(NamedTuple):
    """How one session under a fault ended.

    Attributes:
        ended: ``completed`` or the error's type.
        message: the error's message.
        seconds: from the start of the session to its end.
        leftovers: what was on the device after its guard had its time.
    """

    fault: str
    ended: str
    message: str
    seconds: float
    leftovers: list[str]


def _restart_daemon(rig: AdbdRig, wait_s: float) -> None:
    rig.kill_daemon()
    time.sleep(wait_s)
    rig.start_daemon()


def _refuse(rig: AdbdRig, wait_s: float) -> None:
    rig.refuse(True)
    rig.cut()
    time.sleep(wait_s)
    rig.refuse(False)


def _hang(rig: AdbdRig, wait_s: float) -> None:
    rig.pause_daemon()
    time.sleep(wait_s)
    rig.resume_daemon()


FAULTS: dict[str, Callable[[AdbdRig], None]] = {
    "kill the adb server": lambda rig: rig.kill_server(),
    "kill adbd, back in 0.5 s": lambda rig: _restart_daemon(rig, 0.5),
    "kill adbd, back in 8 s": lambda rig: _restart_daemon(rig, 8),
    "cut the connection": lambda rig: rig.cut(),
    "cut it and refuse for 2 s": lambda rig: _refuse(rig, 2),
    "cut it and refuse for 9 s": lambda rig: _refuse(rig, 9),
    "fill the disk": lambda rig: rig.fill_storage(),
    "hang for 1 s": lambda rig: _hang(rig, 1),
    "hang for 9 s": lambda rig: _hang(rig, 9),
}


def work(device: Device, payload: Path, back: Path) -> None:
    """What a profile does: push, look, start a sampler, run for a while, pull."""
    path = device.push(payload, "payload.bin", timeout_s=10)
    sampler = device.start(["sh", "-c", "while :; do echo x; sleep 0.1; done"])
    result = device.run(["sh", "-c", 'sleep 0.7; cp "$1" "$1.out"', "sh", path], timeout_s=5)
    if result.returncode != 0:
        raise DeviceError(f"the program ended with {result.returncode}: {result.errors.strip()}")
    device.pull(f"{path}.out", back, timeout_s=10)
    sampler.kill()
    if back.read_bytes() != payload.read_bytes():
        raise AssertionError("a file came back with other bytes")


def inject(rig: AdbdRig, fault: str, delay_s: float, folder: Path, *, grace_s: float) -> Outcome:
    """Run one session, strike after `delay_s`, repair, and look what is left once the guard had `grace_s`."""
    payload, back = folder / "payload.bin", folder / "back.bin"
    payload.write_bytes(random.Random(0).randbytes(20_000_000))
    back.unlink(missing_ok=True)
    striker = threading.Timer(delay_s, FAULTS[fault], (rig,))
    began = time.monotonic()
    ended, message = "completed", ""
    striker.start()
    try:
        with rig.open() as device:
            work(device, payload, back)
    except DeviceError as error:
        ended, message = type(error).__name__, str(error)
    seconds = time.monotonic() - began
    striker.join()
    rig.free_storage()
    rig.connect()
    end = time.monotonic() + grace_s + 10
    while rig.leftovers() and time.monotonic() < end:
        time.sleep(0.2)
    left = rig.leftovers()
    if left and ended == "completed":
        return Outcome(fault, ended, message, seconds, left)
    if left:
        # What a guard could not clear, because it was killed with the daemon, the next session does.
        with rig.open():
            pass
    return Outcome(fault, ended, message, seconds, rig.leftovers())
