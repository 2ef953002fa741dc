"""What is known of a device behind adb: identity, system, state."""

import re
from collections import Counter

from device_harness import process
from device_harness.adb.client import AdbClient
from device_harness.errors import CommandFailedError
from device_harness.facts import DeviceInfo, DeviceState
from device_harness.words import printable

_PROPERTY = re.compile(r"^\[([^\]\r\n]+)\]: \[(.*?)\]\r?$", re.MULTILINE)
_QUESTION = (
    "getprop 2>/dev/null; echo; uname -s -r -m; grep -c ^processor /proc/cpuinfo; "
    'echo "boot $(cat /proc/sys/kernel/random/boot_id)"'
)
_HEADER = "List of devices attached"
_NO_SERIAL = "(no serial number)"
_STATES = {
    "device": DeviceState.READY,
    "emulator": DeviceState.READY,
    "offline": DeviceState.OFFLINE,
    "connecting": DeviceState.OFFLINE,
    "unauthorized": DeviceState.UNAUTHORIZED,
    "authorizing": DeviceState.UNAUTHORIZED,
}
# What follows the state, of which adb prints what it knows; blanks in a product's name are possible.
_KEYS = "(?:usb|product|model|device|transport_id|features):"
_INFO = rf"(?: +{_KEYS}.*)?"
_OTHERS = "bootloader|recovery|sideload|rescue|fastboot|host|detached|unknown|no device"
_LINE = re.compile(
    rf"(?P<serial>(?:(?! {_KEYS}).)*\S)[ \t]+"
    rf"(?:(?P<state>{'|'.join(_STATES)}|{_OTHERS})|(?P<barred>no permissions)[ \t]*.*?)"
    rf"(?P<info>{_INFO})[ \t]*"
)
_UNKNOWN_LINE = re.compile(rf"(?P<serial>\S+)[ \t]+(?P<state>\S+)(?P<info>{_INFO})[ \t]*")
_ADVICE = {
    "unauthorized": "unlock it and accept the question about USB debugging",
    "authorizing": "unlock it and accept the question about USB debugging",
    "offline": "plug it in again, or `adb reconnect`; a device that has just started needs a moment",
    "no permissions": "let your user access USB devices (udev rules: apt install android-sdk-platform-tools-common)",
    "connecting": "it is being connected: wait a moment",
    "bootloader": "it is in its bootloader: start Android on it",
    "recovery": "it is in recovery: start Android on it",
    "sideload": "it is in sideload mode: start Android on it",
    "rescue": "it is in rescue mode: start Android on it",
    "fastboot": "it is in its bootloader: start Android on it",
}


def parse_properties(text: str) -> dict[str, str]:
    """Key and value of every line ``[key]: [value]`` of getprop."""
    return dict(_PROPERTY.findall(text))


def adb_info(serial: str, client: AdbClient, *, timeout_s: float | None = None) -> DeviceInfo:
    """Ask a ready device what it is."""
    text = client.call("shell", _QUESTION, timeout_s=timeout_s).text
    properties = parse_properties(text)
    system = re.search(r"^(\S+) (\S+) (\S+)$\n^([0-9]+)$", text, flags=re.MULTILINE)
    kernel, machine, cpus = (system[2], system[3], int(system[4])) if system else (None, None, None)
    boot = re.search(r"^boot ([0-9a-f-]{36})$", text, flags=re.MULTILINE)
    release = properties.get("ro.build.version.release")
    emulated = properties.get("ro.kernel.qemu") == "1" or properties.get("ro.boot.qemu") == "1"
    kept = (
        "ro.build.fingerprint",
        "ro.build.version.sdk",
        "ro.build.version.security_patch",
        "ro.product.manufacturer",
        "ro.serialno",
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
        facts={**facts, **({"kernel": kernel} if kernel else {}), **({"boot": boot[1]} if boot else {})},
    )


def identity(info: DeviceInfo) -> str | None:
    """What a phone has by cable and by Wi-Fi alike: its maker's number and its boot; None where one is not told.

    Numbers alone are not unique (emulators and cheap boards share theirs), nor are boots (containers share them).
    """
    number, boot = info.facts.get("ro.serialno"), info.facts.get("boot")
    return f"{number} {boot}" if number and boot and info.environment == "device" else None


def connection_of(serial: str) -> str:
    """``tcp`` for HOST:PORT and wireless debugging, ``emulator``, else ``usb``."""
    if serial.startswith("emulator-"):
        return "emulator"
    return "tcp" if ":" in serial or "._adb-tls-connect._tcp" in serial else "usb"


def parse_devices(text: str) -> list[DeviceInfo]:
    """The devices in the output of ``adb devices -l``, each with its state and what to do about it.

    A serial may hold blanks (two phones of one name in wireless debugging) and the words of a state; the state is the
    last such word before the details. Of several devices with one serial none can be addressed.
    """
    lines = re.split(r"[\r\n]+", text)
    if _HEADER in (line.strip() for line in lines):
        # What adb says of its own server stands before.
        lines = lines[max(at for at, line in enumerate(lines) if line.strip() == _HEADER) + 1 :]
    found = [info for info in map(_device_of, lines) if info is not None]
    counts = Counter(info.serial for info in found)
    return [_ambiguous(info, counts[info.serial]) if counts[info.serial] > 1 else info for info in found]


def _device_of(line: str) -> DeviceInfo | None:
    line = printable(line).strip()
    if not line or line.startswith(("* ", "adb server ", "adb: ", "error: ", _HEADER)):
        return None
    match = _LINE.fullmatch(line) or _UNKNOWN_LINE.fullmatch(line)
    if match is None:
        return None
    serial, word = match["serial"], match.groupdict().get("barred") or match["state"]
    state = _STATES.get(word, DeviceState.UNAVAILABLE)
    advice = None if state is DeviceState.READY else _ADVICE.get(word, f"adb says {word!r}: see `adb devices -l`")
    if serial == _NO_SERIAL or "\ufffd" in serial:
        state, advice = DeviceState.UNAVAILABLE, "its serial number cannot be typed, so adb cannot be told to take it"
    model = re.search(r"\bmodel:(\S+)", match["info"])
    return DeviceInfo(
        serial=serial,
        kind="adb",
        state=state,
        advice=advice,
        connection=connection_of(serial),
        model=model[1].replace("_", " ") if model else None,
        environment="emulator" if serial.startswith("emulator-") else "device",
    )


def _ambiguous(info: DeviceInfo, count: int) -> DeviceInfo:
    advice = f"adb knows {count} devices with this serial number and takes neither: unplug all but one"
    return info.model_copy(update={"state": DeviceState.UNAVAILABLE, "advice": advice})


def list_devices(program: str) -> list[DeviceInfo]:
    """Every device that the adb server knows now.

    Raises:
        DeviceError: adb failed; the message has its words.
    """
    result = process.run([program, "devices", "-l"], timeout_s=20)
    if result.returncode != 0:
        words = (result.errors or result.text).strip()[-200:]
        raise CommandFailedError(f"`adb devices` ended with {result.returncode}: {words}")
    return parse_devices(result.text)
