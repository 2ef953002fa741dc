"""Energy on Apple systems, each reading with its source and how far it can be trusted.

From better to worse: a phone's battery current over Wi-Fi (its own gauge, 1 Hz, whole device); powermetrics on a Mac
(Apple's estimate of each rail, not comparable between models); Instruments' power table (percent of charge an hour,
which is not turned into watts). A simulator has no energy of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import NamedTuple

from device_harness import process
from device_harness.apple.advice import failure
from device_harness.errors import CommandFailedError, UnreadableOutputError
from profilers.meters.energy import EnergyTrace, LoadWindow, energy_per_inference, integrate_power
from profilers.parse.apple.powermetrics import PlistStream, PowerSample
from profilers.parse.apple.telemetry import BatterySample
from profilers.parse.apple.xctrace import read_rows
from profilers.readings import Obtained, Reading, unavailable

METRIC = "energy.inference"
SHORTEST_PHASE_S = 60.0
POWERMETRICS = "powermetrics"
SUDO_ADVICE = "It needs the administrator: run `sudo -v` first, or allow /usr/bin/powermetrics alone in /etc/sudoers."
RATE_SCHEMA, RATE_COLUMNS = "SystemPowerLevel", ("start", "duration", "percent-per-hour")


class Origin(NamedTuple):
    """Where and when a reading is taken."""

    device: str
    taken_at: datetime
    environment: str = "device"


class Powermetrics:
    """Samples the rails of this Mac for a fixed time, beside a measurement; a context manager.

    It runs as the administrator and cannot be ended by this program: it ends by itself when its time is over.
    """

    def __init__(self, output: Path, *, seconds: float, interval_s: float = 0.2) -> None:
        self._output = output
        self._interval_s = interval_s
        count = ceil(seconds / interval_s)
        self._seconds = seconds
        self._command = ["sudo", "-n", POWERMETRICS, "--samplers", "cpu_power,gpu_power,ane_power,thermal",
                         "-i", str(round(interval_s * 1000)), "-n", str(count), "-f", "plist",
                         "-o", str(output)]  # fmt: skip
        self._process: process.Process | None = None

    def __enter__(self) -> "Powermetrics":
        process.find_program(POWERMETRICS, "It is part of macOS: energy of this kind is measured on a Mac only.")
        self._process = process.Process(self._command)
        return self

    def samples(self) -> tuple[PowerSample, ...]:
        """Wait until the time is over, and return every sample.

        Raises:
            CommandFailedError: it could not be started without a password, or failed.
            UnreadableOutputError: its output is no stream of property lists.
        """
        assert self._process is not None, "sampling has not begun"
        result = self._process.wait(self._seconds * 1.5 + 30)
        if result.returncode != 0:
            told = result.errors + result.text
            if "password" in told or "superuser" in told:
                raise CommandFailedError(f"powermetrics did not start: {told.strip()}. {SUDO_ADVICE}")
            raise failure("powermetrics failed", told, serial=None)
        return read_samples(self._output)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.close()


def read_samples(path: Path) -> tuple[PowerSample, ...]:
    """Every sample in a file that powermetrics wrote.

    Raises:
        UnreadableOutputError: not such a file, or empty.
    """
    stream = PlistStream()
    samples = list(stream.feed(path.read_bytes() if path.exists() else b""))
    last = stream.close()
    samples += [last] if last else []
    if not samples:
        raise UnreadableOutputError("powermetrics wrote no sample.")
    return tuple(samples)


def rail_trace(samples: Sequence[PowerSample], start_s: float) -> EnergyTrace:
    """Energy of CPU, GPU and Neural Engine since `start_s`, on the clock of `start_s`.

    Raises:
        ValueError: a sample lacks one of the rails.
    """
    times, joules = [start_s], [0.0]
    for sample in samples:
        if sample.soc_joules is None:
            raise ValueError("powermetrics gave no figure for one of CPU, GPU and Neural Engine")
        times.append(times[-1] + sample.elapsed_s)
        joules.append(joules[-1] + sample.soc_joules)
    return EnergyTrace(tuple(times), tuple(joules))


def battery_trace(samples: Sequence[BatterySample], times_s: Sequence[float]) -> EnergyTrace:
    """Energy that the battery gave, from its current and voltage once a second.

    Raises:
        ValueError: it was charging or did not say, or a sample lacks current or voltage.
    """
    watts = [sample.power_w for sample in samples]
    if any(sample.charging is not False for sample in samples):
        raise ValueError(
            "the battery was charging, or did not say that it was not: measure over Wi-Fi, without a cable"
        )
    if any(power is None or power < 0 for power in watts):
        raise ValueError("the battery's current or voltage is missing, or flows the wrong way")
    return integrate_power(times_s, [power for power in watts if power is not None])


def energy_reading(
    trace: EnergyTrace, idle: Sequence[tuple[float, float]], loads: Sequence[LoadWindow], origin: Origin, *, source: str
) -> Reading:
    """Energy of one inference above the idle power, one sample a repeat.

    Args:
        trace: of `rail_trace` (estimated by the system) or `battery_trace` (measured by the gauge).
        idle: baselines, one more than loads.
        loads: loaded phases.
        origin: device and time.
        source: ``powermetrics`` or a battery gauge; decides whether the reading is an estimate.
    """
    short = min([end - start for start, end in idle] + [load.end_s - load.start_s for load in loads])
    slow = source != POWERMETRICS
    if slow and short < SHORTEST_PHASE_S:
        reason = f"the shortest phase lasted {short:.0f} s; a gauge read once a second needs {SHORTEST_PHASE_S:.0f} s"
        return no_energy(reason, origin, source)
    try:
        result = energy_per_inference(trace, idle, loads)
    except ValueError as error:
        return no_energy(str(error), origin, source)
    if result.refused:
        return no_energy(result.refused, origin, source)
    return Reading(
        metric=METRIC, unit="J", samples=result.joules, source=source, device=origin.device,
        environment=origin.environment, taken_at=origin.taken_at,
        obtained=Obtained.MEASURED if slow else Obtained.ESTIMATED,
        reason=None if slow else "Apple's own estimate of the rails; not comparable between models of Macs",
    )  # fmt: skip


def simulator_energy(origin: Origin) -> Reading:
    """A simulator's energy: unavailable, with the reason."""
    return no_energy("a simulator runs on the Mac's processors; it has no energy of its own", origin, "simctl")


def no_energy(reason: str, origin: Origin, source: str) -> Reading:
    """Energy that could not be had, with the reason."""
    return unavailable(METRIC, "J", reason, source=source, device=origin.device, environment=origin.environment)


def discharge_reading(export: Path, origin: Origin) -> Reading:
    """Instruments' power table: percent of the charge an hour, as it stands; unavailable when the table is empty.

    Raises:
        UnreadableOutputError: not such an export, or one with other columns.
    """
    metric, source = "battery.discharge_rate", "Instruments, Power Profiler"
    with export.open("rb") as file:
        rows = list(read_rows(file, RATE_SCHEMA, RATE_COLUMNS))
    rates = [float(rate) for _, _, rate in rows if rate is not None and _is_number(str(rate))]
    if not rates:
        reason = "not recorded: the power table is empty or missing"
        return unavailable(metric, "%/h", reason, source=source, device=origin.device)
    return Reading(
        metric=metric, unit="%/h", samples=tuple(rates), source=source, device=origin.device,
        taken_at=origin.taken_at, obtained=Obtained.MEASURED,
    )  # fmt: skip


def _is_number(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return whole.isdecimal() and (fraction.isdecimal() or not fraction)
