"""`doctor`: what is there and works, what is there and does not, what is not there, each with what mends it."""

import json
import os
import sys
from pathlib import Path

import pytest

from exporter.data.results.doctor import Checkup, DoctorResult
from exporter.use_cases.doctor import libraries
from exporter.use_cases.doctor.doctor import AREAS, examine
from exporter.use_cases.doctor.libraries import library_checkups
from exporter.use_cases.doctor.places import place_checkups
from exporter.use_cases.doctor.tools import android_checkups, apple_checkups
from tests.conftest import RunCommand


def named(checkups: object, name: str) -> Checkup:
    assert hasattr(checkups, "__iter__")
    (found,) = [one for one in checkups if one.name == name]
    return found


def program(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


def test_a_program_that_answers_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version and its place are what a report of a fault needs."""
    program(tmp_path, "adb", "echo Android Debug Bridge version 1.0.41; echo more", monkeypatch)
    found = named(android_checkups(), "adb")
    assert found.state == "works"
    assert found.found == f"Android Debug Bridge version 1.0.41 at {tmp_path / 'adb'}"
    assert not found.mend


@pytest.mark.parametrize(
    ("script", "told"),
    [("echo cannot open libusb >&2; exit 1", "ends with 1: cannot open libusb"), ("exit 3", "says nothing")],
)
def test_a_program_that_fails_is_broken(
    script: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Being on PATH is not working."""
    program(tmp_path, "adb", script, monkeypatch)
    found = named(android_checkups(), "adb")
    assert found.state == "broken"
    assert told in found.found
    assert found.mend


def test_what_is_not_there_is_missing_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No fault by itself: nobody needs everything."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    checkups = [*android_checkups(), *apple_checkups()]
    assert {one.state for one in checkups} == {"missing"}
    assert all(one.mend for one in checkups)
    assert DoctorResult(tuple(checkups)).exit_code == 0
    assert DoctorResult(tuple(checkups), ("android",)).exit_code == 3


def test_the_ndk_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of that name is not enough; one that nobody named is pointed at, the newest by number."""
    monkeypatch.setenv("ANDROID_NDK_HOME", str(tmp_path))
    assert named(android_checkups(), "NDK").state == "broken"
    toolchain = tmp_path / "build" / "cmake" / "android.toolchain.cmake"
    toolchain.parent.mkdir(parents=True)
    toolchain.touch()
    assert named(android_checkups(), "NDK").state == "works"
    monkeypatch.delenv("ANDROID_NDK_HOME")
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path))
    for version in ("9.0.1", "28.2.3"):
        (tmp_path / "ndk" / version).mkdir(parents=True)
        (tmp_path / "ndk" / version / "source.properties").touch()
    assert named(android_checkups(), "NDK").mend == f"export ANDROID_NDK_HOME={tmp_path / 'ndk' / '28.2.3'}"


def test_libraries_of_this_environment_are_those_that_were_tested() -> None:
    """The set that `make` installs is the set that the program was tested with."""
    found = {one.name: one for one in library_checkups()}
    assert found["[export]"].state == "works"
    assert found["mobile-export"].state == "works"
    assert "tested together" in found["versions"].found or "differ" in found["versions"].found


def test_another_version_than_the_tested_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With both, and the command that installs the tested set."""
    pins = tmp_path / "pins.txt"
    pins.write_text("# made\nClick==0.1\npydantic==0.2 ; sys_platform == 'win32'\nnot-installed-here==1\n")
    monkeypatch.setattr(libraries, "_constraints", lambda version: pins)
    found = named(library_checkups(), "versions")
    assert found.state == "differs"
    assert found.found.startswith("2 of 2 differ: click ")
    assert "(tested: 0.1)" in found.found
    assert str(pins) in found.mend


def test_a_cache_that_cannot_be_written_to_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before an hour's work, not after it."""
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("MOBILE_EXPORT_CACHE", str(tmp_path / "new" / "cache"))
    assert named(place_checkups(), "cache").state in ("works", "differs")
    monkeypatch.setenv("MOBILE_EXPORT_CACHE", "/proc/self/cache")
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith("/proc"))
    found = named(place_checkups(), "cache")
    assert found.state == "broken"
    assert "MOBILE_EXPORT_CACHE=FOLDER" in found.mend


def test_every_area_is_one_that_is_looked_at() -> None:
    """`--need` of an area without a check would never fail."""
    looked_at = {one.area for one in examine(devices=False).checkups}
    assert looked_at == set(AREAS) - {"devices"}


def test_the_command(mobile_export: RunCommand) -> None:
    """JSON with its schema version, text with the mending command, and the exit code of what is needed."""
    done = mobile_export("doctor", "--no-devices", "-f", "json")
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"] == 0, done.stderr
    assert document["schema_version"] == 1
    assert {"area", "name", "state", "found", "use", "mend"} == set(document["checks"][0])
    if sys.platform != "darwin":
        done = mobile_export("doctor", "--no-devices", "--need", "apple")
        assert done.returncode == 3
        assert "1 of" in done.stdout
        assert "-> run this command on a Mac" in done.stdout
    done = mobile_export("doctor", "--no-devices", "--need", "devices")
    assert done.returncode == 2
