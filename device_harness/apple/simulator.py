"""A simulator that this Mac runs, through `xcrun simctl`. Its processes, speed and energy are the Mac's."""

import contextlib
import shutil
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import psutil

from device_harness import process
from device_harness.apple import simctl
from device_harness.apple.advice import XCODE, check, failure
from device_harness.apple.app import AppDevice
from device_harness.apple.settings import AppleSettings
from device_harness.errors import StorageFullError, TransferError
from device_harness.facts import CommandResult, DeviceInfo, DeviceState
from device_harness.finder import DeviceKind, Found
from device_harness.local import NO_SPACE
from device_harness.protocol import Capabilities

COMMAND_S = 60.0
BOOT_S = 300.0
STOP_S = 1.0


def list_simulators() -> tuple[simctl.ListedSimulator, ...]:
    """Every simulator of this Mac.

    Raises:
        ToolMissingError: no Xcode.
        UnreadableOutputError: an answer in no known layout.
    """
    result = _simctl(["list", "-j", "devices"])
    check(result, "Listing simulators failed", serial=None)
    return simctl.parse_simulators(result.stdout)


def _simctl(
    arguments: Sequence[str], *, timeout_s: float = COMMAND_S, env: Mapping[str, str] | None = None
) -> CommandResult:
    process.find_program("xcrun", XCODE)
    return process.run(["xcrun", "simctl", *arguments], timeout_s=timeout_s, env=env)


def describe(listed: simctl.ListedSimulator) -> DeviceInfo:
    """The simulator with its state, and what to do when it cannot be used."""
    state, advice = DeviceState.READY, None
    if listed.unavailable:
        state, advice = (
            DeviceState.UNAVAILABLE,
            f"{listed.unavailable}: install it with xcodebuild -downloadPlatform iOS",
        )
    elif listed.state != "Booted":
        state, advice = DeviceState.OFFLINE, f"Boot it: xcrun simctl boot {listed.udid}"
    return DeviceInfo(
        serial=listed.udid,
        kind="simulator",
        state=state,
        advice=advice,
        model=listed.name,
        os=" ".join(part for part in (listed.platform, listed.os_version) if part) or None,
        connection="here",
        environment="simulator",
    )


class AppleSimulator(AppDevice):
    """Implements `Device` with simctl and the runner app; the app's container is a folder of this Mac."""

    def __init__(self, listed: simctl.ListedSimulator, settings: AppleSettings) -> None:
        super().__init__(listed.udid, settings.bundle)
        self._listed = listed
        self._container: Path | None = None

    @property
    def can(self) -> Capabilities:
        """Apps; its power and its units are the Mac's."""
        return Capabilities(apps=self)

    @property
    def platform(self) -> str:
        """As Xcode calls it."""
        return f"{self._listed.platform or 'iOS'} Simulator"

    def info(self) -> DeviceInfo:
        """As simctl listed it."""
        return describe(self._listed)

    def boot(self) -> None:
        """Boot it when it is not, and wait until it can be used."""
        result = _simctl(["bootstatus", self.serial, "-b"], timeout_s=BOOT_S)
        check(result, f"Booting {self._listed.name} failed", serial=self.serial)

    def install(self, app: Path) -> str:
        """Boot it when it is not, and install an .app built for simulators; returns the runner's bundle identifier."""
        self.boot()
        result = _simctl(["install", self.serial, str(app)], timeout_s=BOOT_S)
        check(result, f"Installing {app.name} failed", serial=self.serial)
        return self.bundle

    def copy_to(self, source: Path, destination: str) -> None:
        """Copy within this Mac."""
        target = self._path(destination)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        except OSError as error:
            kind = StorageFullError if error.errno == NO_SPACE else TransferError
            raise kind(f"Copying {source} to {target} failed: {error.strerror}.", serial=self.serial) from error

    def copy_from(self, source: str, destination: Path) -> None:
        """Copy within this Mac."""
        try:
            shutil.copyfile(self._path(source), destination)
        except OSError as error:
            raise TransferError(f"Copying {source} failed: {error.strerror}.", serial=self.serial) from error

    def launch(self, arguments: Sequence[str], env: Mapping[str, str]) -> int:
        """`simctl launch`; variables reach the app when their names begin with SIMCTL_CHILD_."""
        what = f"Launching {self.bundle} on {self._listed.name} failed"
        child = {f"SIMCTL_CHILD_{name}": value for name, value in env.items()}
        command = ["launch", "--terminate-running-process", self.serial, self.bundle, *arguments]
        result = _simctl(command, env=child)
        check(result, what, serial=self.serial)
        return simctl.parse_launched(result.text)

    def alive(self, pid: int) -> bool:
        """Its processes are this Mac's."""
        try:
            return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def terminate(self, pid: int) -> None:
        """End the process and what it started."""
        try:
            family = _stopped_family(psutil.Process(pid))
        except psutil.NoSuchProcess:
            return
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=5)

    def _path(self, relative: str) -> Path:
        if self._container is None:
            result = _simctl(["get_app_container", self.serial, self.bundle, "data"])
            if result.returncode != 0:
                what = f"The runner app is not installed on {self._listed.name}"
                raise failure(what, result.text + result.errors, serial=self.serial)
            self._container = Path(result.text.strip())
        return self._container / relative


def _stopped_family(app: psutil.Process) -> list[psutil.Process]:
    """The process and its descendants, each stopped before its children are listed.

    A running one goes on starting others, which are nobody's children once it has been killed.
    """
    app.suspend()
    end = time.monotonic() + STOP_S
    while app.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE) and time.monotonic() < end:
        time.sleep(0.001)
    family = [app]
    for child in app.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            family += _stopped_family(child)
    return family


class SimulatorFinder:
    """Implements `Finder` with simctl."""

    name = "simctl"
    kinds: tuple[DeviceKind, ...] = (DeviceKind("simulator", "simulator", "simulators", "apps"),)

    def find(self) -> list[Found]:
        """Simulators whose runtime is there; those that are shut down only while none is booted."""
        if shutil.which("xcrun") is None:
            return []
        settings = AppleSettings.from_environment()
        listed = [simulator for simulator in list_simulators() if not simulator.unavailable]
        shown = [simulator for simulator in listed if simulator.state == "Booted"] or listed
        return [Found(describe(one), partial(AppleSimulator, one, settings)) for one in shown]

    def reach(self, serial: str) -> None:
        """Only those that are listed."""


FINDER = SimulatorFinder()
