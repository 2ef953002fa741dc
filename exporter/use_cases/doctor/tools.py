"""Programs outside Python: for Android devices, for Apple devices, and to build the runners of both."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from device_harness import process
from device_harness.errors import DeviceError
from device_harness.runners.platforms import Platform
from device_harness.runners.prebuilt import prebuilt_program
from device_harness.words import decode
from exporter.data.results.doctor import Checkup

_LIMIT_S = 20.0
_ADB = {
    "darwin": "brew install --cask android-platform-tools",
    "win32": "winget install Google.PlatformTools",
    "linux": "apt-get install adb",
}
_CMAKE = {"darwin": "brew install cmake", "win32": "winget install Kitware.CMake", "linux": "apt-get install cmake"}
_NDK_MEND = "sdkmanager 'ndk;28.2.13676358', then: export ANDROID_NDK_HOME=$ANDROID_HOME/ndk/28.2.13676358"


def android_checkups() -> Iterator[Checkup]:
    """adb, CMake and the NDK."""
    yield _program("android", "adb", ["adb", "version"], "Android devices", _ADB)
    yield _program(
        "android", "cmake", ["cmake", "--version"], "building the runner of this machine and of Android devices", _CMAKE
    )
    yield _ndk()


def apple_checkups() -> Iterator[Checkup]:
    """Xcode, on a Mac; elsewhere that there is none."""
    use = "compiling and running Core ML models, devices of Apple"
    if sys.platform != "darwin":
        found = "only on a Mac; Core ML models are made and compared with their source here all the same"
        yield Checkup("apple", "Xcode", "missing", found, use, "run this command on a Mac")
        return
    mend = {"darwin": "install Xcode from the App Store, then: sudo xcode-select -s /Applications/Xcode.app"}
    yield _program("apple", "Xcode", ["xcodebuild", "-version"], use, mend)


def _program(area: str, name: str, command: Sequence[str], use: str, mends: dict[str, str]) -> Checkup:
    """A program that is found, and that says its version when it is started."""
    mend = mends.get(sys.platform, mends.get("linux", ""))
    path = shutil.which(command[0])
    if path is None:
        return Checkup(area, name, "missing", f"{command[0]} is not on PATH", use, mend)
    try:
        done = process.run([path, *command[1:]], timeout_s=_LIMIT_S)
    except (DeviceError, OSError) as error:
        return Checkup(area, name, "broken", f"{path}: {error}", use, mend)
    said = (decode(done.stdout).strip() or decode(done.stderr).strip()).splitlines()
    if done.returncode:
        told = f"{path} ends with {done.returncode}: {said[-1] if said else 'it says nothing'}"
        return Checkup(area, name, "broken", told, use, mend)
    return Checkup(area, name, "works", f"{said[0] if said else 'of an unknown version'} at {path}", use)


def _ndk() -> Checkup:
    use = "building the runner of Android devices"
    ready = prebuilt_program(Platform("android", "arm64")).program
    if ready is not None:
        return Checkup("android", "NDK", "works", f"not needed: the runner is built in advance, {ready}", use)
    given = os.environ.get("ANDROID_NDK_HOME") or os.environ.get("ANDROID_NDK_ROOT")
    if given is None:
        there = _unnamed_ndk()
        mend = f"export ANDROID_NDK_HOME={there}" if there else _NDK_MEND
        found = f"ANDROID_NDK_HOME is not set, though one is at {there}" if there else "ANDROID_NDK_HOME is not set"
        return Checkup("android", "NDK", "missing", found, use, mend)
    if not (Path(given) / "build" / "cmake" / "android.toolchain.cmake").is_file():
        return Checkup("android", "NDK", "broken", f"{given} holds no NDK", use, _NDK_MEND)
    return Checkup("android", "NDK", "works", given, use)


def _unnamed_ndk() -> Path | None:
    """The newest NDK of the Android SDK, where nobody named one."""
    sdk = os.environ.get("ANDROID_HOME") or os.environ.get("ANDROID_SDK_ROOT")
    found = sorted(Path(sdk, "ndk").glob("*/source.properties"), key=_numbers) if sdk else []
    return found[-1].parent if found else None


def _numbers(properties: Path) -> list[int]:
    return [int(part) for part in properties.parent.name.split(".") if part.isdecimal()]
