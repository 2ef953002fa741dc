"""An iPhone or iPad that any computer reaches through the program pymobiledevice3, which is installed apart (GPL)."""

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from device_harness import process
from device_harness.apple.advice import check
from device_harness.apple.app import AppDevice
from device_harness.apple.pairing import is_paired
from device_harness.apple.settings import APPLE_DEVICE, AppleSettings
from device_harness.apple.usbmux import INSTALL, TOOL, AttachedDevice, battery_command, list_attached
from device_harness.errors import (
    CommandFailedError,
    DeviceError,
    TransferError,
    UnreadableOutputError,
)
from device_harness.facts import CommandResult, DeviceInfo, DeviceState
from device_harness.finder import DeviceKind, Found
from device_harness.protocol import Capabilities

COMMAND_S = 120.0
COPY_S = 600.0


UNPAIRED = "Connect it by cable, unlock it, run `pymobiledevice3 lockdown pair`, and answer Trust with its passcode."


def describe(attached: AttachedDevice, *, paired: bool | None = True) -> DeviceInfo:
    """The device, which usbmux lists when it can be reached; `paired`: see `pairing.is_paired`."""
    facts = {
        "product_type": attached.product_type,
        "os_build": attached.os_build,
        "name": attached.name,
        "through": TOOL,
    }
    return DeviceInfo(
        serial=attached.udid,
        kind="ios",
        state=DeviceState.UNAUTHORIZED if paired is False else DeviceState.READY,
        advice=UNPAIRED if paired is False else None,
        model=attached.product_type or attached.kind,
        os=f"iOS {attached.os_version}" if attached.os_version else None,
        connection={"USB": "usb", "Network": "network"}.get(attached.connection or ""),
        facts={key: value for key, value in facts.items() if value},
    )


_LAUNCHED = re.compile(r"^Process launched with pid ([0-9]+)\s*$", re.MULTILINE)


class PymobiledeviceDevice(AppDevice):
    """Implements `Device` with pymobiledevice3 and the runner app (an .ipa that was signed elsewhere)."""

    def __init__(self, attached: AttachedDevice, settings: AppleSettings) -> None:
        super().__init__(attached.udid, settings.bundle)
        self._attached = attached

    @property
    def can(self) -> Capabilities:
        """Apps, and the battery's state; what records is a Mac's."""
        return Capabilities(apps=self, current=self)

    # Without a Mac nothing can be signed: the package comes from one.
    platform: str | None = None

    def battery_command(self) -> list[str]:
        """See `usbmux.battery_command`."""
        return battery_command(self.serial)

    def info(self) -> DeviceInfo:
        """As usbmux listed it."""
        return describe(self._attached)

    def install(self, package: Path) -> str:
        """Install a signed .ipa or .app."""
        self.command(
            ["apps", "install", "--developer", str(package.resolve())],
            f"Installing {package.name} failed",
            timeout_s=COPY_S,
        )
        return self.bundle

    def copy_to(self, source: Path, destination: str) -> None:
        """`apps push` into the app's container; folders on the way are made by the runner's launch."""
        command = ["apps", "push", self.bundle, str(source.resolve()), destination]
        self.command(command, f"Copying {source} failed", timeout_s=COPY_S, otherwise=TransferError)

    def copy_from(self, source: str, destination: Path) -> None:
        """`apps pull`, which answers 0 also where it only logged an error: the file must be there afterwards."""
        destination.unlink(missing_ok=True)
        command = ["apps", "pull", self.bundle, source, str(destination.resolve())]
        self.command(command, f"Copying {source} failed", timeout_s=COPY_S, otherwise=TransferError)
        if not destination.is_file():
            raise TransferError(f"Copying {source} from {self.serial} gave no file.", serial=self.serial)

    def launch(self, arguments: Sequence[str], env: Mapping[str, str]) -> int:
        """`developer dvt launch`, which takes one string and splits it as a shell would.

        Raises:
            CommandFailedError: it did not tell the process identifier.
        """
        variables = [part for name, value in env.items() for part in ("--env", f"{name}={value}")]
        command = ["developer", "dvt", "launch", *variables, shlex.join([self.bundle, *arguments])]
        result = self.command(command, f"Launching {self.bundle} on {self.serial} failed")
        match = _LAUNCHED.search(result.text)
        if match is None:
            raise CommandFailedError(
                f"{TOOL} did not tell the process identifier: {result.text[-300:]}", serial=self.serial
            )
        return int(match[1])

    def alive(self, pid: int) -> bool:
        """`developer dvt process-id-for-bundle-id`, which prints 0 when the app does not run."""
        command = ["developer", "dvt", "process-id-for-bundle-id", self.bundle]
        answer = self.command(command, "Asking for the app's process failed").text.split()
        if not answer or not answer[-1].isdecimal():
            raise UnreadableOutputError(
                f"{TOOL} printed no process identifier but {answer[-1:]!r}.", serial=self.serial
            )
        return int(answer[-1]) == pid

    def terminate(self, pid: int) -> None:
        """`developer dvt kill`."""
        try:
            self.command(["developer", "dvt", "kill", str(pid)], f"Ending process {pid} failed")
        except DeviceError:
            if self.alive(pid):
                raise

    def command(
        self,
        arguments: Sequence[str],
        what: str,
        *,
        timeout_s: float = COMMAND_S,
        otherwise: type[DeviceError] = CommandFailedError,
    ) -> CommandResult:
        """Run pymobiledevice3 for this device.

        Raises:
            DeviceError: one of its kinds, with the tool's reason and the next step.
        """
        process.find_program(TOOL, INSTALL)
        result = process.run([TOOL, *arguments, "--udid", self.serial], timeout_s=timeout_s)
        check(result, what, serial=self.serial, otherwise=otherwise)
        return result


class PymobiledeviceFinder:
    """Implements `Finder` with usbmux."""

    name = TOOL
    kinds: tuple[DeviceKind, ...] = (APPLE_DEVICE,)

    def find(self) -> list[Found]:
        """Attached devices, one each; a machine without the program has none."""
        if shutil.which(TOOL) is None:
            return []
        settings = AppleSettings.from_environment()
        cable_last = sorted(list_attached(), key=lambda one: one.connection == "USB")
        by_udid = {one.udid: one for one in cable_last}
        return [
            Found(describe(one, paired=is_paired(one.udid)), partial(PymobiledeviceDevice, one, settings))
            for one in by_udid.values()
        ]

    def reach(self, serial: str) -> None:
        """Only those that are listed."""


FINDER = PymobiledeviceFinder()
