"""Meter: a way to read the energy of inferences on a device; the table has them in order of trust."""

import importlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from device_harness.errors import (
    CommandFailedError,
    CommandTimeoutError,
    ToolMissingError,
    TransferError,
    UnreadableOutputError,
)
from device_harness.protocol import Device
from profilers.bench import Load
from profilers.clock import Clock
from profilers.meters.energy import LoadWindow
from profilers.meters.timeline import Timeline
from profilers.plan import ProfilePlan

# Name -> module with find(setting). A new meter is its module and a row.
METERS: Mapping[str, str] = {
    "power rails by Perfetto": "profilers.meters.perfetto",
    "powermetrics": "profilers.meters.powermetrics",
    "battery of an iPhone": "profilers.meters.battery_stream",
    "power rails by iio": "profilers.meters.iio",
    "RAPL": "profilers.meters.rapl",
    "hwmon": "profilers.meters.hwmon",
    "fuel gauge": "profilers.meters.gauge_meter",
    "batterystats": "profilers.meters.ledger",
}


# What a meter may fail with while its device is still there.
FAILURES = (CommandFailedError, CommandTimeoutError, ToolMissingError, TransferError, UnreadableOutputError)


class Setting(NamedTuple):
    """What a meter is looked for in."""

    device: Device
    plan: ProfilePlan
    clock: Clock


class Energy(NamedTuple):
    """Joules of one inference, one figure a repeat.

    Attributes:
        estimate: why it is an estimate and no measurement; None for a measurement.
    """

    joules: tuple[float, ...]
    estimate: str | None = None


class Phases(Protocol):
    """Idle and loaded times, as the plan has them."""

    @property
    def repeats(self) -> int:
        """How many loaded times there are."""
        ...

    @property
    def seconds(self) -> float:
        """The most that all of them take together."""
        ...

    def load(self) -> Load:
        """Run the model for the plan's time."""
        ...

    def alternate(self, timeline: Timeline) -> tuple[list[tuple[float, float]], list[LoadWindow]]:
        """Idle, load, idle, load, ..., idle: the windows of each on `timeline`."""
        ...


class Meter(Protocol):
    """Reads the energy of inferences. Every implementation passes `tests/contracts/meters.py`.

    Attributes:
        name: shown as the source.
        of_battery: whether it is upstream of the charger, so that it means nothing while charging.
    """

    @property
    def name(self) -> str:
        """See the class."""
        ...

    @property
    def of_battery(self) -> bool:
        """See the class."""
        ...

    def measure(self, phases: Phases) -> Energy:
        """Have the phases done under the meter.

        Raises:
            ValueError: no figure can be trusted; the message says why.
            DeviceError: the meter or the device failed.
        """
        ...


class NoMeterError(Exception):
    """A device that could have this meter has it not; the message says why."""


class MeterModule(Protocol):
    """A module of the table."""

    def find(self, setting: Setting) -> Meter | None:
        """The meter of the device; None where no device of its kind has one.

        Raises:
            NoMeterError: it could have one; the message says why it has not.
        """
        ...


def find_meter(
    setting: Setting, modules: Sequence[tuple[str, MeterModule]] | None = None
) -> tuple[Meter | None, list[str]]:
    """The most trusted meter of the device, and why each better one is not there."""
    missing: list[str] = []
    for name, module in load_meters() if modules is None else modules:
        try:
            meter = module.find(setting)
        except (NoMeterError, *FAILURES) as error:
            missing.append(f"{name}: {error}")
            continue
        if meter is not None:
            return meter, missing
    return None, missing


def load_meters() -> list[tuple[str, MeterModule]]:
    """Those of the table."""
    return [(name, importlib.import_module(module)) for name, module in METERS.items()]
