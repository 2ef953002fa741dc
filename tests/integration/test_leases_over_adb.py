"""A phone is used by one at a time: real adb, real daemon, real runner, two programs."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from device_harness.leases import on_device
from tests.conftest import RunCommand
from tests.fakes.adbd import SERIAL, AdbdRig
from tests.integration.profiling import programs

LONG = "warmup_runs = 1\nwarmup_min_s = 0.0\nruns = 5\nmin_s = 0.3\nprocesses = 30\nenergy_repeats = 0\n"


class Profiling:
    """A long `profile` of the phone in a process of its own, with leases of its own host."""

    def __init__(self, folder: Path, model: Path, *options: object, plan: str = LONG) -> None:
        (folder / "long.toml").write_text(plan)
        program = Path(sys.executable).with_name("mobile-export")
        command = [
            program,
            "profile",
            model,
            "--device",
            SERIAL,
            "--plan",
            folder / "long.toml",
            "-f",
            "json",
            *options,
        ]
        self._process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
        )
        self.pid = self._process.pid

    def until(self, phone: AdbdRig, size: int) -> None:
        """Wait until the phone has a lease, and so many processes have begun."""
        link = phone.on_device(f"/tmp/{on_device.NAME}")
        end = time.monotonic() + 60
        said = 0
        assert self._process.stderr is not None
        while said < size:
            assert time.monotonic() < end
            said += "process" in self._process.stderr.readline()
        assert link.is_symlink()

    def result(self) -> tuple[int, dict[str, Any]]:
        out, errors = self._process.communicate(timeout=90)
        assert out, errors
        found: dict[str, Any] = json.loads(out)["profiles"][0]
        return self._process.returncode, found

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def test_two_profiles_at_once(
    phone: AdbdRig,
    mobile_export: RunCommand,
    tmp_path: Path,
    litert_bench: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second is refused by name, from this host and from another; broken by hand, the first keeps what it has."""
    given = programs(litert_bench)
    first = Profiling(tmp_path, model, *given)
    try:
        first.until(phone, 3)
        quick = ("profile", model, "--device", SERIAL, "--quick", *given, "-f", "json")
        here = mobile_export(*quick)
        monkeypatch.setenv("MOBILE_EXPORT_LEASES", str(tmp_path / "another host"))
        there = mobile_export(*quick)
        for done, where in ((here, "by the record on this host"), (there, "by the record on the device")):
            assert done.returncode == 3, done.stdout
            error = json.loads(done.stdout)["profiles"][0]["error"]
            assert f"(process {first.pid}: mobile-export profile" in error
            assert where in error
        shown = mobile_export("lab", "leases", "-f", "json")
        (seen,) = json.loads(shown.stdout)["leases"]
        assert (seen["serial"], seen["pid"]) == (SERIAL, first.pid)
        assert mobile_export("lab", "release", SERIAL).returncode == 2
        released = mobile_export("lab", "release", "--force", SERIAL)
        assert released.returncode == 0, released.stderr
        assert f"process {first.pid}" in (tmp_path / "another host" / "released.log").read_text()
        code, found = first.result()
    finally:
        first.kill()
    assert code == 3
    assert "the lease on it was broken by " in found["error"]
    latency = next(one for one in found["result"]["readings"] if one["metric"] == "latency")
    assert 2 <= len(latency["groups"]) < 30
    assert f"{len(latency['groups'])} of 30 processes were finished and are kept" in found["error"]
    assert phone.leftovers() == []
    after = mobile_export(*quick)
    assert after.returncode == 0, after.stdout
    assert not phone.on_device(f"/tmp/{on_device.NAME}").is_symlink()


def test_a_cut_connection_that_comes_back(phone: AdbdRig, tmp_path: Path, litert_bench: Path, model: Path) -> None:
    """The process that it struck is measured again, no other; all of the plan is there in the end."""
    running = Profiling(
        tmp_path, model, *programs(litert_bench), plan=LONG.replace("= 30", "= 3").replace("0.3", "2.0")
    )
    try:
        running.until(phone, 2)
        time.sleep(1.5)  # in the middle of the process
        phone.cut()
        code, found = running.result()
    finally:
        running.kill()
    assert code == 0, found["error"]
    latency = next(one for one in found["result"]["readings"] if one["metric"] == "latency")
    assert len(latency["groups"]) == 3
    assert any(words.startswith("the connection was lost once and came back") for words in found["result"]["warnings"])
    assert phone.leftovers() == []
    assert not phone.on_device(f"/tmp/{on_device.NAME}").is_symlink()
