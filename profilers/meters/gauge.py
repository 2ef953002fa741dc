"""Power from a fuel gauge, whose unit and sign differ between makers: calibrated, cross-checked, or refused."""

import re
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from device_harness.errors import UnreadableOutputError
from profilers.meters.energy import EnergyTrace, integrate_power, trapezoids
from profilers.parse.android.battery import parse_power_supply
from profilers.parse.linux.sampler import Sample

# No phone draws 15 A: figures below are milliamperes, above microamperes (of at least 15 mA).
MILLIAMPERE_LIMIT = 15_000
MOST_DISAGREEMENT = 0.3
# Below this the counter's own steps are larger than what was drawn.
LEAST_CHARGE_C = 3.6


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
        try:
            found = parse_power_supply(sample.texts.get(path, ""))
        except UnreadableOutputError:
            continue
        if found.current_raw is not None and found.voltage_v is not None:
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
    scale = 1e-3 if median(map(abs, current)) < MILLIAMPERE_LIMIT else 1e-6
    amperes = [abs(raw) * scale for raw in current]
    _cross_check(gauge, amperes)
    return integrate_power(gauge.times_s, [ampere * volt for ampere, volt in zip(amperes, gauge.volts, strict=True)])


def find_gauge(paths: Sequence[str]) -> str | None:
    """The battery's own file among power_supply uevents: `battery` before `bms`, never a charger's."""
    for name in ("battery", "bms", r"BAT\d*", "maxfg"):
        for path in paths:
            if re.search(rf"/{name}/uevent$", path):
                return path
    return None


def _cross_check(gauge: Gauge, amperes: Sequence[float]) -> None:
    """Compare the charge that the current sums up to with the fall of the charge counter."""
    if not gauge.charge_c:
        raise ValueError("the gauge has no charge counter to check unit and scale of its current against")
    fallen = gauge.charge_c[0] - gauge.charge_c[-1]
    summed = sum(trapezoids(gauge.times_s, amperes))
    if fallen < LEAST_CHARGE_C:
        raise ValueError(f"the charge counter fell by {fallen:.2f} C, too little to check the gauge's current against")
    if abs(summed - fallen) > MOST_DISAGREEMENT * fallen:
        raise ValueError(
            f"the gauge contradicts itself: its current sums to {summed:.1f} C, its counter fell by {fallen:.1f} C"
        )
