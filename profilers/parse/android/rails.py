"""Power rails: Perfetto traces with ``android.power``, and the iio files of on-device power meters (ODPM)."""

import re
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from device_harness.errors import UnreadableOutputError
from profilers.parse.android.protos import message_class


class RailSample(NamedTuple):
    """Energy of a rail since boot: seconds of the boot clock, joules."""

    time_s: float
    joules: float


class BatterySample(NamedTuple):
    """A look at the battery: boot clock in seconds; coulombs, amperes and volts as the HAL reports them."""

    time_s: float
    charge_c: float | None
    current_a: float | None
    voltage_v: float | None


class PowerTrace(NamedTuple):
    """What a trace holds: samples of every rail by name, and of the battery, in order of time.

    Rails of two power chips that have one name are two: the second is called ``NAME #2``.
    """

    rails: dict[str, tuple[RailSample, ...]]
    battery: tuple[BatterySample, ...]


def parse_perfetto(data: bytes) -> PowerTrace:
    """Rails and battery counters of a Perfetto trace.

    A rail is known by the session and index of its descriptor, which comes once. Samples may repeat and come out of
    order; a single one that lies below the energy of an earlier moment is not a reading of a counter and is dropped.
    Samples without a time of their own take the packet's. Several sessions see the same rails.

    Raises:
        UnreadableOutputError: not a trace, one without power data, or one in which a counter started again.
    """
    trace = message_class("Trace")()
    try:
        trace.ParseFromString(data)
    except DecodeError as error:
        raise UnreadableOutputError(f"this is no Perfetto trace: {error}") from error
    names: dict[tuple[int, int], str] = {}
    samples: dict[tuple[int, int], dict[float, float]] = {}
    battery = []
    for packet in trace.packet:
        if packet.HasField("battery"):
            battery.append(_battery(packet))
        session = packet.power_rails.session_uuid
        for rail in packet.power_rails.rail_descriptor:
            names[session, rail.index] = rail.rail_name
        for reading in packet.power_rails.energy_data:
            if not reading.HasField("energy"):
                continue
            time_s = reading.timestamp_ms / 1e3 if reading.HasField("timestamp_ms") else packet.timestamp / 1e9
            of_rail = samples.setdefault((session, reading.index), {})
            of_rail[time_s] = max(of_rail.get(time_s, 0.0), reading.energy / 1e6)
    titles, merged = _titles(names), dict[str, dict[float, float]]()
    for key, values in samples.items():
        if key in titles:
            of_rail = merged.setdefault(titles[key], {})
            of_rail.update({at: max(joules, of_rail.get(at, 0.0)) for at, joules in values.items()})
    rails = {title: _ascending(title, values) for title, values in merged.items()}
    if not rails and not battery:
        raise UnreadableOutputError("the trace has no power rails and no battery counters: this device reports none")
    return PowerTrace(rails, tuple(sorted(battery)))


def parse_odpm(text: str) -> dict[str, RailSample]:
    """One or more ``/sys/bus/iio/devices/iio:device*/energy_value`` files, one after the other.

    Each line is ``CH0(T=251741617)[VSYS_PWR_WLAN_BT], 192612469095``: milliseconds since boot, microjoules. Rails of
    two power chips that have one name are added.

    Raises:
        UnreadableOutputError: no channel.
    """
    rows = re.findall(r"^CH\d+\(T=(\d{1,18})\)\[([^\]\r\n]+)\], (\d{1,20})\r?$", text, flags=re.MULTILINE)
    if not rows:
        raise UnreadableOutputError("no channel of a power meter in this text")
    found: dict[str, RailSample] = {}
    for time_ms, name, energy in rows:
        before = found.get(name, RailSample(0.0, 0.0))
        found[name] = RailSample(max(before.time_s, int(time_ms) / 1e3), before.joules + int(energy) / 1e6)
    return found


def _titles(names: dict[tuple[int, int], str]) -> dict[tuple[int, int], str]:
    """What each rail of each session is called: its name, with a number from the second of that name on."""
    seen: dict[tuple[int, str], int] = {}
    titles = {}
    for session, index in sorted(names):
        name = names[session, index]
        count = seen[session, name] = seen.get((session, name), 0) + 1
        titles[session, index] = name if count == 1 else f"{name} #{count}"
    return titles


def _ascending(title: str, values: dict[float, float]) -> tuple[RailSample, ...]:
    """By time, without a single sample that lies below; two of them in a row, or the last, are a counter set back."""
    kept: list[RailSample] = []
    below = False
    for time_s in sorted(values):
        falls = bool(kept) and values[time_s] < kept[-1].joules
        if falls and below:
            break
        below = falls
        if not falls:
            kept.append(RailSample(time_s, values[time_s]))
    if below:
        raise UnreadableOutputError(f"the counter of power rail {title} started again while it was read")
    return tuple(kept)


def _battery(packet: Any) -> BatterySample:
    counters = packet.battery

    def value(name: str, scale: float) -> float | None:
        return getattr(counters, name) * scale if counters.HasField(name) else None

    return BatterySample(
        packet.timestamp / 1e9,
        value("charge_counter_uah", 3.6e-3),
        value("current_ua", 1e-6),
        value("voltage_uv", 1e-6),
    )
