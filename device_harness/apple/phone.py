"""An iPhone, iPad, Apple TV or Apple Watch that this Mac reaches through `xcrun devicectl`."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from device_harness import process
from device_harness.apple import devicectl
from device_harness.apple.advice import XCODE, failure
from device_harness.apple.app import AppDevice
from device_harness.apple.documents import read_document
from device_harness.apple.settings import APPLE_DEVICE, AppleSettings
from device_harness.apple.usbmux import battery_command
from device_harness.errors import DeviceError, TransferError, UnreadableOutputError
from device_harness.facts import CommandResult, DeviceInfo, DeviceState
from device_harness.finder import DeviceKind, Found
from device_harness.protocol import Capabilities

LIST_S = 30.0
COMMAND_S = 120.0
COPY_S = 600.0


def list_devices() -> tuple[devicectl.ListedDevice, ...]:
    """Physical devices that this Mac knows, reachable or not.

    Raises:
        ToolMissingError: no Xcode.
        UnreadableOutputError: an answer in no known layout.
    """
    answer = ask(["list", "devices"], "Listing devices failed", serial=None, timeout_s=LIST_S)
    return tuple(device for device in devicectl.parse_devices(answer) if device.physical)


def ask(
    arguments: Sequence[str],
    what: str,
    *,
    serial: str | None,
    timeout_s: float = COMMAND_S,
    otherwise: type[DeviceError] = DeviceError,
) -> bytes:
    """Run devicectl and return the JSON file that it wrote; its tables on standard output are for people.

    Raises:
        DeviceError: one of its kinds, with the tool's reason and the next step.
    """
    process.find_program("xcrun", XCODE)
    with tempfile.TemporaryDirectory(prefix="mobile-export-") as folder:
        answer = Path(folder, "answer.json")
        head, *rest = _split_app(arguments)
        command = ["xcrun", "devicectl", *head, "--json-output", str(answer), *(rest[0] if rest else ())]
        result = process.run(command, timeout_s=timeout_s)
        content = answer.read_bytes() if answer.exists() else b""
    if result.returncode != 0:
        raise failure(what, _reasons(content, result), serial=serial, otherwise=otherwise)
    return content


def _split_app(arguments: Sequence[str]) -> tuple[Sequence[str], ...]:
    """Options of devicectl must come before the app's own arguments, which may look like options."""
    if "process" in arguments and "launch" in arguments:
        bundle = list(arguments).index("--") - 1
        return arguments[:bundle], arguments[bundle:]
    return (arguments,)


def _reasons(content: bytes, result: CommandResult) -> str:
    """The JSON's error chain, which is whole, rather than the text, which is wrapped; the text where there is none."""
    try:
        told = str(devicectl.read_failure(read_document(content, devicectl.TOOL)))
    except UnreadableOutputError:
        told = ""
    return f"{told} {result.errors} {result.text}".strip()


def describe(listed: devicectl.ListedDevice) -> DeviceInfo:
    """The device with its state, and what to do when it cannot be used."""
    state, advice = _state(listed)
    version = " ".join(part for part in (listed.platform, listed.os_version) if part)
    facts = {
        "product_type": listed.product_type,
        "os_build": listed.os_build,
        "udid": listed.udid,
        "name": listed.name,
        "developer_mode": listed.developer_mode,
    }
    return DeviceInfo(
        serial=listed.udid or listed.identifier,
        kind="ios",
        state=state,
        advice=advice,
        model=listed.model or listed.product_type,
        os=version or None,
        connection={"wired": "usb", "localNetwork": "network"}.get(listed.transport or ""),
        facts={key: value for key, value in facts.items() if value},
    )


def _state(listed: devicectl.ListedDevice) -> tuple[DeviceState, str | None]:
    if listed.pairing == "unpaired":
        return DeviceState.UNAUTHORIZED, "Connect it by cable, unlock it, and answer Trust This Computer with Trust."
    if not listed.reachable:
        return DeviceState.OFFLINE, "Connect it by cable, or bring it into the same network and unlock it."
    if listed.developer_mode == "disabled":
        return DeviceState.UNAUTHORIZED, "Turn on Settings, Privacy & Security, Developer Mode on it, and restart it."
    return DeviceState.READY, None


class AppleDevice(AppDevice):
    """Implements `Device` with devicectl and the runner app, which must be installed (`runners.coreml_build`)."""

    def __init__(self, listed: devicectl.ListedDevice, settings: AppleSettings) -> None:
        super().__init__(listed.udid or listed.identifier, settings.bundle)
        self._listed = listed

    @property
    def can(self) -> Capabilities:
        """Apps, the battery's state, and Instruments."""
        return Capabilities(apps=self, current=self, recording=self)

    @property
    def platform(self) -> str:
        """Of devicectl's listing."""
        return self._listed.platform or "iOS"

    @property
    def recorded_as(self) -> str:
        """The UDID."""
        return self.serial

    has_power_table = True

    def battery_command(self) -> list[str]:
        """`pymobiledevice3 diagnostics battery monitor`: devicectl tells nothing of it."""
        return battery_command(self.serial)

    def info(self) -> DeviceInfo:
        """As devicectl listed it."""
        return describe(self._listed)

    def copy_to(self, source: Path, destination: str) -> None:
        """`devicectl device copy to`."""
        self._copy("to", str(source), destination)

    def copy_from(self, source: str, destination: Path) -> None:
        """`devicectl device copy from`."""
        self._copy("from", source, str(destination))

    def _copy(self, direction: str, source: str, destination: str) -> None:
        options = {
            "--device": self._listed.identifier,
            "--source": source,
            "--destination": destination,
            "--domain-type": "appDataContainer",
            "--domain-identifier": self.bundle,
            "--user": "mobile",
        }
        arguments = ["device", "copy", direction, *chain.from_iterable(options.items())]
        what = f"Copying {source} {direction} {self.serial} failed"
        devicectl.read_answer(ask(arguments, what, serial=self.serial, timeout_s=COPY_S, otherwise=TransferError))

    def launch(self, arguments: Sequence[str], env: Mapping[str, str]) -> int:
        """`devicectl device process launch`."""
        options = ["--terminate-existing"]
        if env:
            options += ["--environment-variables", json.dumps(dict(env))]
        command = ["device", "process", "launch", "--device", self._listed.identifier, *options, self.bundle, "--"]
        answer = ask([*command, *arguments], f"Launching {self.bundle} on {self.serial} failed", serial=self.serial)
        return devicectl.parse_launched(answer)

    def alive(self, pid: int) -> bool:
        """`devicectl device info processes`."""
        arguments = ["device", "info", "processes", "--device", self._listed.identifier]
        return pid in devicectl.parse_processes(ask(arguments, "Listing processes failed", serial=self.serial))

    def terminate(self, pid: int) -> None:
        """`devicectl device process terminate --kill`."""
        arguments = ["device", "process", "terminate", "--device", self._listed.identifier, "--pid", str(pid), "--kill"]
        try:
            ask(arguments, f"Ending process {pid} failed", serial=self.serial)
        except DeviceError:
            if self.alive(pid):
                raise

    def install(self, app: Path) -> str:
        """Install an .app and return its bundle identifier."""
        arguments = ["device", "install", "app", "--device", self._listed.identifier, str(app)]
        return devicectl.parse_installed(
            ask(arguments, f"Installing {app.name} failed", serial=self.serial, timeout_s=COPY_S)
        )


class PhoneFinder:
    """Implements `Finder` with devicectl."""

    name = "devicectl"
    kinds: tuple[DeviceKind, ...] = (APPLE_DEVICE,)

    def find(self) -> list[Found]:
        """Physical devices; a machine without Xcode has none."""
        if shutil.which("xcrun") is None:
            return []
        settings = AppleSettings.from_environment()
        return [Found(describe(listed), partial(AppleDevice, listed, settings)) for listed in list_devices()]

    def reach(self, serial: str) -> None:
        """Only those that are listed."""


FINDER = PhoneFinder()
