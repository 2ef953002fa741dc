"""What is known of a device behind adb: identity, system, state."""

import re
from typing import TYPE_CHECKING

from device_harness import process
from device_harness.device import DeviceInfo, DeviceState

if TYPE_CHECKING:
    from device_harness.adb_client import AdbClient

_PROPERTY = re.compile(r"^\[([^\]\r\n]+)\]: \[(.*?)\]\r?$", re.MULTILINE)
_QUESTION = "getprop 2>/dev/null; echo; uname -s -r -m; grep -c ^processor /proc/cpuinfo"
_KEPT = ("ro.build.fingerprint", "ro.build.version.sdk", "ro.build.version.security_patch", "ro.product.manufacturer")
_ADVICE = {
    "unauthorized": "unlock it and accept the question about USB debugging",
    "authorizing": "unlock it and accept the question about USB debugging",
    "offline": "plug it in again, or `adb reconnect`; a device that has just started needs a moment",
    "no permissions": "let your user access USB devices (udev rules: apt install android-sdk-platform-tools-common)",
    "bootloader": "it is in its bootloader: start Android on it",
    "recovery": "it is in recovery: start Android on it",
    "sideload": "it is in sideload mode: start Android on it",
}


def parse_properties(text: str) -> dict[str, str]:
    """Key and value of every line ``[key]: [value]`` of getprop."""
    return dict(_PROPERTY.findall(text))


def adb_info(serial: str, client: "AdbClient") -> DeviceInfo:
    """Ask a ready device what it is."""
    text = client.call("shell", _QUESTION).text
    properties = parse_properties(text)
    system = re.search(r"^(\S+) (\S+) (\S+)$\n^([0-9]+)$", text, flags=re.MULTILINE)
    kernel, machine, cpus = (system[2], system[3], int(system[4])) if system else (None, None, None)
    release = properties.get("ro.build.version.release")
    emulated = properties.get("ro.kernel.qemu") == "1" or properties.get("ro.boot.qemu") == "1"
    kept = (
        "ro.build.fingerprint",
        "ro.build.version.sdk",
        "ro.build.version.security_patch",
        "ro.product.manufacturer",
    )
    facts = {key: properties[key] for key in kept if properties.get(key)}
    return DeviceInfo(
        serial=serial,
        kind="adb",
        model=properties.get("ro.product.model") or None,
        os=f"Android {release}" if release else (f"Linux {kernel}" if kernel else None),
        architecture={"aarch64": "arm64"}.get(machine or "", machine),
        soc=properties.get("ro.soc.model") or properties.get("ro.board.platform") or None,
        cpus=cpus,
        connection=connection_of(serial),
        environment="emulator" if emulated else "device",
        facts={**facts, **({"kernel": kernel} if kernel else {})},
    )


def connection_of(serial: str) -> str:
    """``tcp`` for HOST:PORT and wireless debugging, ``emulator``, else ``usb``."""
    if serial.startswith("emulator-"):
        return "emulator"
    return "tcp" if ":" in serial or "._adb-tls-connect._tcp" in serial else "usb"


def parse_devices(text: str) -> list[DeviceInfo]:
    """The devices in the output of ``adb devices -l``, each with its state and what to do about it."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"(\S+)\s+(no permissions|\S+)(.*)", line.strip())
        if match is None or line.startswith(("List of devices", "*", "adb")):
            continue
        serial, word, rest = match.groups()
        state = {"device": DeviceState.READY, "emulator": DeviceState.READY, "offline": DeviceState.OFFLINE,
                 "unauthorized": DeviceState.UNAUTHORIZED, "authorizing": DeviceState.UNAUTHORIZED,
                 }.get(word, DeviceState.UNAVAILABLE)  # fmt: skip
        model = re.search(r"\bmodel:(\S+)", rest)
        advice = None if state is DeviceState.READY else _ADVICE.get(word, f"adb says {word!r}: see `adb devices -l`")
        found.append(
            DeviceInfo(serial=serial, kind="adb", state=state, advice=advice, connection=connection_of(serial),
                       model=model[1].replace("_", " ") if model else None,
                       environment="emulator" if serial.startswith("emulator-") else "device")
        )  # fmt: skip
    return found


def list_devices(program: str) -> list[DeviceInfo]:
    """Every device that the adb server knows now."""
    return parse_devices(process.run([program, "devices", "-l"], timeout_s=20).text)
