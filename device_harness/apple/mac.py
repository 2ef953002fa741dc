"""This Mac as a device: a local device with its own description and the clock that the runner uses."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from device_harness import process
from device_harness.errors import DeviceError
from device_harness.facts import ClockOffset, DeviceInfo
from device_harness.finder import DeviceKind, Found
from device_harness.local import LocalDevice, local_info
from device_harness.protocol import Capabilities

POWERMETRICS = ("sudo", "-n", "powermetrics", "--samplers", "cpu_power,gpu_power,ane_power,thermal")
COMMAND_S = 10.0


def runs_here() -> bool:
    """Whether this machine is a Mac."""
    return sys.platform == "darwin"


def describe() -> DeviceInfo:
    """This Mac: `sysctl` and `sw_vers`; a fact that they do not tell is left out."""
    version = _ask("sw_vers", "-productVersion")
    here = local_info()
    facts = {"os_build": _ask("sw_vers", "-buildVersion"), "kernel": here.os}
    return here.model_copy(
        update={
            "serial": "mac",
            "kind": "mac",
            "model": _ask("sysctl", "-n", "hw.model") or here.model,
            "soc": _ask("sysctl", "-n", "machdep.cpu.brand_string"),
            "os": f"macOS {version}" if version else here.os,
            "facts": {key: value for key, value in facts.items() if value},
        }
    )


def _ask(*command: str) -> str | None:
    try:
        result = process.run(command, timeout_s=COMMAND_S)
    except DeviceError:
        return None
    return result.text.strip() or None if result.returncode == 0 else None


class MacDevice(LocalDevice):
    """Implements `Device`; the Core ML runner is the command-line tool `coreml-bench`."""

    serial = "mac"

    recorded_as: str | None = None
    has_power_table = False

    @property
    def can(self) -> Capabilities:
        """What this machine can, its rails, and Instruments."""
        return Capabilities(shell=self, rails=self, recording=self)

    def info(self) -> DeviceInfo:
        """This Mac."""
        return describe()

    def rail_command(self, interval_s: float, count: int, output: Path) -> Sequence[str]:
        """`powermetrics`, which needs the administrator and ends by itself."""
        interval_ms = str(round(interval_s * 1000))
        return [*POWERMETRICS, "-i", interval_ms, "-n", str(count), "-f", "plist", "-o", str(output)]

    def push(self, source: Path, name: str, *, executable: bool = False, timeout_s: float = 300) -> str:
        """Copy into the workspace; `name` may have folders, as the files of a model package have."""
        Path(self.workspace, name).parent.mkdir(parents=True, exist_ok=True)
        return super().push(source, name, executable=executable, timeout_s=timeout_s)

    def clock_offset(self) -> ClockOffset:
        """The runner's clock (CLOCK_MONOTONIC_RAW) goes on during sleep, `time.monotonic` does not on a Mac."""
        before = time.monotonic()
        there = time.clock_gettime(time.CLOCK_MONOTONIC_RAW)
        after = time.monotonic()
        return ClockOffset(offset_s=there - (before + after) / 2, uncertainty_s=(after - before) / 2)


class MacFinder:
    """Implements `Finder`: this machine once more, as what Core ML runs on."""

    name = "this Mac"
    kinds: tuple[DeviceKind, ...] = (DeviceKind("mac", "Mac", "Macs", "apps", here=True),)

    def find(self) -> list[Found]:
        """It, on a Mac."""
        return [Found(describe(), MacDevice)] if runs_here() else []

    def reach(self, serial: str) -> None:
        """There is no other."""


FINDER = MacFinder()
