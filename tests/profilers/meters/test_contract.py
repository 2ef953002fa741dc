"""Every meter of the table under the contract of meters."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from device_harness.facts import CommandResult
from device_harness.protocol import Capabilities
from profilers.meters.meter import METERS, MeterModule, Setting
from tests.contracts.meters import MeterContract, setting
from tests.fakes.session import FakeDevice


class Listing:
    """A shell on which `files` are what can be read, whatever is asked."""

    serial, workspace = "BOARD", "/board/work"

    def __init__(self, *files: str) -> None:
        self._text = "".join(f"{file}\n" for file in files)

    def run(self, command: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        del timeout_s, env
        return CommandResult(
            command=tuple(command), returncode=0, stdout=self._text.encode(), stderr=b"", duration_s=0.0
        )

    def push(self, source: Path, name: str, **_: Any) -> str:
        return name

    pull = start = push


def on_files(*files: str) -> Setting:
    return setting(Capabilities(shell=Listing(*files)))  # type: ignore[arg-type]


class Provider:
    """Implements the capabilities of phones and Macs, as far as finding a meter asks."""

    ledger_user = 2000

    def rail_command(self, *_: Any) -> list[str]:
        return ["true"]

    battery_command = reset_ledger = rail_command

    def ledger(self) -> str:
        return ""

    battery_report = ledger


PROVIDER: Any = Provider()
SETTINGS: dict[str, tuple[Setting, Setting | None]] = {
    "powermetrics": (setting(Capabilities(rails=PROVIDER)), None),
    "battery of an iPhone": (
        setting(Capabilities(current=PROVIDER), connection="network"),
        setting(Capabilities(current=PROVIDER), connection="usb"),
    ),
    "power rails by iio": (on_files("/sys/bus/iio/devices/iio:device0/energy_value"), on_files()),
    "RAPL": (on_files("/sys/class/powercap/intel-rapl:0/energy_uj"), on_files()),
    "hwmon": (on_files("/sys/class/hwmon/hwmon0/power1_input"), on_files()),
    "fuel gauge": (on_files("/sys/class/power_supply/battery/uevent"), on_files()),
    "batterystats": (setting(Capabilities(ledger=PROVIDER, battery=PROVIDER)), None),
}
# Its probe is a recording; `tests/integration` finds it behind a real adb.
ELSEWHERE = {"power rails by Perfetto"}


@pytest.mark.parametrize("name", SETTINGS)
class TestMeters(MeterContract):
    @pytest.fixture
    def module(self, name: str) -> MeterModule:
        found: MeterModule = import_module(METERS[name])
        return found

    @pytest.fixture
    def equipped(self, name: str) -> Setting:
        return SETTINGS[name][0]

    @pytest.fixture
    def bare(self, name: str) -> Setting | None:
        return SETTINGS[name][1]


def test_every_meter_is_under_contract() -> None:
    assert set(SETTINGS) | ELSEWHERE == set(METERS)
    assert FakeDevice().can == Capabilities()
