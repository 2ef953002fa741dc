"""Power from a fuel gauge, whose unit and sign differ between makers: calibrated, cross-checked, or refused."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from device_harness.errors import UnreadableOutputError
from profilers.meters.energy import EnergyTrace, integrate_power, trapezoids
from profilers.parse.android.battery import GaugeSample, parse_power_supply
from profilers.parse.linux.sampler import Sample

# Amperes of what the file says. Which of them it is, its own charge counter decides.
SCALES = {"milliamperes": 1e-3, "microamperes": 1e-6}
MOST_DISAGREEMENT = 0.3
# Below this the counter's own steps are larger than what was drawn.
LEAST_CHARGE_C = 3.6
# A phase's energy is then told to a tenth, with ten idle and loaded ones.
LEAST_STEPS = 100


class Gauge(NamedTuple):
    """Readings of one gauge: boot-clock seconds, raw currents, volts, coulombs left (empty where not told)."""

    times_s: tuple[float, ...]
    current_raw: tuple[float, ...]
    volts: tuple[float, ...]
    charge_c: tuple[float, ...]


def gauge_of(samples: Sequence[Sample], path: str) -> Gauge:
    """The readings of the power_supply file `path` that hold both current and voltage."""
    rows = []
    for sample in samples:
        found = _look(sample, path)
        if found is not None and found.current_raw is not None and found.voltage_v is not None:
            rows.append((sample.time_s, float(found.current_raw), found.voltage_v, found.charge_c))
    charges = tuple(row[3] for row in rows if row[3] is not None)
    return Gauge(
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        tuple(row[2] for row in rows),
        charges if len(charges) == len(rows) else (),
    )


def gauge_trace(gauge: Gauge) -> EnergyTrace:
    """Energy drawn from a discharging battery.

    Args:
        gauge: readings over a time in which the battery was discharging, without interruption.

    Raises:
        ValueError: the readings cannot be trusted; the message says why.
    """
    if len(gauge.times_s) < 10:
        raise ValueError(f"the gauge gave {len(gauge.times_s)} readings; at least 10 are needed")
    current = gauge.current_raw
    if not any(current):
        raise ValueError("the gauge reports no current at all")
    if min(current) < 0 < max(current):
        raise ValueError(
            "the gauge's current changes sign while discharging: it is charging now and then, or is no gauge"
        )
    scale = _scale(gauge)
    amperes = [abs(raw) * scale for raw in current]
    return integrate_power(gauge.times_s, [ampere * volt for ampere, volt in zip(amperes, gauge.volts, strict=True)])


def battery_trace(samples: Sequence[Sample], path: str) -> EnergyTrace:
    """Energy drawn from a battery.

    By what it still holds, where its steps are fine enough; else by the power that it gives; else by its gauge.

    Raises:
        ValueError: the readings cannot be trusted; the message says why.
    """
    looks = [(sample.time_s, look) for sample in samples if (look := _look(sample, path)) is not None]
    if any(look.status in ("charging", "full") for _, look in looks):
        raise ValueError("the battery says that it is charging or full: its gauge means nothing then")
    times = [at for at, _ in looks]
    held = [look.energy_j for _, look in looks if look.energy_j is not None]
    watts = [look.power_w for _, look in looks if look.power_w is not None]
    held, watts = (values if len(values) == len(looks) else [] for values in (held, watts))
    try:
        if held:
            return stored_trace(times, held)
    except ValueError:
        if not watts:
            raise
    return power_trace(times, watts, held) if watts else gauge_trace(gauge_of(samples, path))


def power_trace(times_s: Sequence[float], watts: Sequence[float], left_j: Sequence[float] = ()) -> EnergyTrace:
    """Energy drawn, by the power that a battery gives.

    Args:
        times_s: ascending.
        watts: of either sign.
        left_j: what it still holds, likewise, to check the power against; empty where that is not told.

    Raises:
        ValueError: too few readings, no power, one that changes sign, or one that the energy contradicts.
    """
    if len(times_s) < 10:
        raise ValueError(f"the battery's power was told {len(times_s)} times; at least 10 are needed")
    if not any(watts):
        raise ValueError("the battery reports no power at all")
    if min(watts) < 0 < max(watts):
        raise ValueError("the battery's power changes sign while discharging: it is charging now and then")
    trace = integrate_power(times_s, list(map(abs, watts)))
    if left_j:
        _agree(trace.joules[-1] - trace.joules[0], left_j)
    return trace


def _agree(given_j: float, left_j: Sequence[float]) -> None:
    """ValueError where a battery holds more, or less by far another amount, than it gave."""
    falls = [before - after for before, after in pairwise(left_j)]
    if min(falls) < 0:
        raise ValueError("the battery's energy rose while discharging: it was set anew, or the battery was charging")
    step, fallen = max(falls), left_j[0] - left_j[-1]
    # The first and the last step may be cut off on either side.
    if abs(given_j - fallen) > MOST_DISAGREEMENT * given_j + 2 * step:
        raise ValueError(f"the battery contradicts itself: it gave {given_j:.3g} J and holds {fallen:.3g} J less")


def stored_trace(times_s: Sequence[float], left_j: Sequence[float]) -> EnergyTrace:
    """Energy drawn, by what a battery still holds.

    Args:
        times_s: ascending.
        left_j: joules.

    Raises:
        ValueError: it rose, or its steps are too coarse for the time.
    """
    if len(times_s) < 10:
        raise ValueError(f"the battery's energy was told {len(times_s)} times; at least 10 are needed")
    falls = [before - after for before, after in pairwise(left_j)]
    if min(falls) < 0:
        raise ValueError("the battery's energy rose while discharging: it was set anew, or the battery was charging")
    step = min((fall for fall in falls if fall > 0), default=0.0)
    count = round((left_j[0] - left_j[-1]) / step) if step else 0
    if count < LEAST_STEPS:
        raise ValueError(f"the battery's energy fell by {count} of its steps; at least {LEAST_STEPS} are needed")
    return EnergyTrace(tuple(times_s), tuple(left_j[0] - left for left in left_j))


def find_gauge(paths: Sequence[str]) -> str | None:
    """The battery's own file among power_supply uevents: `battery` before `bms`, never a charger's."""
    for name in ("battery", "bms", r"BAT\d*", "maxfg"):
        for path in paths:
            if re.search(rf"/{name}/uevent$", path):
                return path
    return None


def _look(sample: Sample, path: str) -> GaugeSample | None:
    try:
        return parse_power_supply(sample.texts.get(path, ""))
    except UnreadableOutputError:
        return None


def _scale(gauge: Gauge) -> float:
    """The unit in which the current sums up to the fall of the charge counter."""
    if not gauge.charge_c:
        raise ValueError("the gauge has no charge counter to check unit and scale of its current against")
    fallen = gauge.charge_c[0] - gauge.charge_c[-1]
    if any(after > before + LEAST_CHARGE_C for before, after in pairwise(gauge.charge_c)):
        raise ValueError("the charge counter rose while discharging: it was set anew, or the battery was charging")
    if fallen < LEAST_CHARGE_C:
        raise ValueError(f"the charge counter fell by {fallen:.2f} C, too little to check the gauge's current against")
    summed = sum(trapezoids(gauge.times_s, [abs(raw) for raw in gauge.current_raw]))
    for scale in SCALES.values():
        if abs(summed * scale - fallen) <= MOST_DISAGREEMENT * fallen:
            return scale
    told = " or ".join(f"{summed * scale:.3g} C in {name}" for name, scale in SCALES.items())
    raise ValueError(f"the gauge contradicts itself: its current sums to {told}, its counter fell by {fallen:.1f} C")
