"""Energy arithmetic against figures worked out by hand: exact, or refused with the reason."""

from collections.abc import Callable, Mapping

import pytest

from device_harness.errors import UnreadableOutputError
from profilers.meters.energy import EnergyTrace, LoadWindow, energy_between, energy_per_inference, integrate_power
from profilers.meters.gauge import Gauge, battery_trace, gauge_trace, power_trace, stored_trace
from profilers.meters.hwmon import hwmon_trace, sensor_of
from profilers.meters.iio import odpm_trace
from profilers.meters.meter import NoMeterError
from profilers.meters.perfetto import rails_trace
from profilers.meters.rapl import rapl_trace
from profilers.parse.android.protos import message_class
from profilers.parse.android.rails import RailSample, parse_perfetto
from profilers.parse.linux.sampler import Sample

SECONDS = tuple(float(second) for second in range(121))
RAPL = "/sys/class/powercap/intel-rapl:0/"
HWMON = "/sys/class/hwmon/hwmon0/"


def whole(trace: EnergyTrace) -> float:
    return trace.joules[-1] - trace.joules[0]


def gauge(amperes: float, unit: float, *, fallen_c: float, step_s: float = 1.0, volts: float = 4.0) -> Gauge:
    """A constant current over 120 steps, in parts of an ampere, while the charge counter falls evenly."""
    times = tuple(second * step_s for second in SECONDS)
    charges = tuple(10_000.0 - fallen_c * at / times[-1] for at in times)
    return Gauge(times, (-amperes / unit,) * 121, (volts,) * 121, charges)


def phases(scale: float) -> Gauge:
    """70 s at 12 mA, then 50 s at 900 mA, of which the median is in the range of the smaller unit."""
    amperes = [0.012] * 71 + [0.9] * 50
    charge = 10_000.0
    charges: list[float] = []
    for before, now in zip([amperes[0], *amperes], amperes, strict=False):
        charges.append(charge := charge - ((before + now) / 2 if charges else 0))
    return Gauge(SECONDS, tuple(-one / scale for one in amperes), (4.0,) * 121, tuple(charges))


def odpm(*texts: str) -> list[Sample]:
    return [Sample(100.0 + at, {"/iio0": text}) for at, text in enumerate(texts)]


def rapl(*counts: int, full: int = 1_000_000) -> list[Sample]:
    files = ({f"{RAPL}energy_uj": str(count), f"{RAPL}max_energy_range_uj": str(full)} for count in counts)
    return [Sample(float(at), texts) for at, texts in enumerate(files)]


def hwmon(name: str, *values: int) -> EnergyTrace:
    return hwmon_trace([Sample(float(at), {HWMON + name: str(value)}) for at, value in enumerate(values)], HWMON + name)


def perfetto(*rows: tuple[int, int, int, int], names: dict[tuple[int, int], str]) -> bytes:
    """A trace: rows of session, index, milliseconds, microjoules."""
    trace = message_class("Trace")()
    for (session, index), name in names.items():
        rails = trace.packet.add().power_rails
        rails.session_uuid = session
        rails.rail_descriptor.add(index=index, rail_name=name)
    for session, index, at_ms, energy in rows:
        rails = trace.packet.add().power_rails
        rails.session_uuid = session
        rails.energy_data.add(index=index, timestamp_ms=at_ms, energy=energy)
    data: bytes = trace.SerializeToString()
    return data


def rails(*rows: tuple[int, int, int, int], names: dict[tuple[int, int], str]) -> float:
    return whole(rails_trace(parse_perfetto(perfetto(*rows, names=names)).rails))


def supply(*rows: Mapping[str, object]) -> list[Sample]:
    texts = ("".join(f"POWER_SUPPLY_{key}={value}\n" for key, value in row.items()) for row in rows)
    return [Sample(float(at), {"/BAT0": text}) for at, text in enumerate(texts)]


def draining(**facts: object) -> list[Sample]:
    """A laptop at 36 W: 10 000 uWh a second, 120 s long."""
    return supply(*({"ENERGY_NOW": 50_000_000 - 10_000 * at, **facts} for at in range(121)))


LOADED = integrate_power([at / 10 for at in range(501)], [3.0 if at // 100 % 2 else 1.0 for at in range(501)])
LOADS = [LoadWindow(10.1, 19.9, 100), LoadWindow(30.1, 39.9, 100)]
IDLE = [(1, 9), (21, 29), (41, 49)]

EXACT: dict[str, tuple[Callable[[], float], float]] = {
    "500 mA in uA at 4 V, 120 s": (lambda: whole(gauge_trace(gauge(0.5, 1e-6, fallen_c=60))), 240.0),
    "500 mA in mA": (lambda: whole(gauge_trace(gauge(0.5, 1e-3, fallen_c=60))), 240.0),
    "flowing the other way": (lambda: whole(gauge_trace(gauge(-0.5, 1e-6, fallen_c=60))), 240.0),
    "12 mA in uA for 420 s": (lambda: whole(gauge_trace(gauge(0.012, 1e-6, fallen_c=5.04, step_s=3.5))), 20.16),
    "20 A in mA, as a fast tablet's": (lambda: whole(gauge_trace(gauge(20, 1e-3, fallen_c=2400))), 9600.0),
    "12 then 900 mA in uA": (lambda: whole(gauge_trace(phases(1e-6))), 4 * (0.84 + 0.456 + 44.1)),
    "12 then 900 mA in mA": (lambda: whole(gauge_trace(phases(1e-3))), 4 * (0.84 + 0.456 + 44.1)),
    "counter a quarter off": (lambda: whole(gauge_trace(gauge(0.5, 1e-6, fallen_c=48))), 240.0),
    "power_now, 36 W for 120 s, energy_now too coarse for it": (
        lambda: whole(
            battery_trace(
                supply(
                    *({"POWER_NOW": 36_000_000, "ENERGY_NOW": 50_000_000 - 600_000 * (at // 60)} for at in range(121))
                ),
                "/BAT0",
            )
        ),
        4320.0,
    ),
    "power_now alone, negative": (
        lambda: whole(battery_trace(supply(*({"POWER_NOW": -5_000_000} for _ in range(121))), "/BAT0")),
        600.0,
    ),
    "energy_now, 36 W for 120 s": (lambda: whole(battery_trace(draining(STATUS="Discharging"), "/BAT0")), 4320.0),
    "rails of 1 and 0.5 W, 2 s": (
        lambda: whole(
            odpm_trace(
                odpm(*(f"CH0(T={at})[A], {at * 1_000_000}\nCH1(T={at})[B], {at * 500_000}\n" for at in range(3)))
            )
        ),
        3.0,
    ),
    "one name on two power chips, 1 and 2 W": (
        lambda: whole(
            odpm_trace(
                [
                    Sample(100.0 + at, {f"/iio{chip}": f"CH0(T=1)[V], {int(at * chip * 1e6)}\n" for chip in (1, 2)})
                    for at in (0.0, 1.0, 2.0)
                ]
            )
        ),
        6.0,
    ),
    "one name twice in one file": (
        lambda: whole(odpm_trace(odpm("CH0(T=1)[V], 0\nCH1(T=1)[V], 0\n", "CH0(T=2)[V], 10\nCH1(T=2)[V], 20\n"))),
        30e-6,
    ),
    "rails that a chip renews once a second, read four times": (
        lambda: energy_between(
            odpm_trace(
                [Sample(at / 4, {"/i": f"CH0(T={at // 4 * 1000})[A], {at // 4 * 1_000_000}\n"}) for at in range(41)]
            ),
            2.0,
            7.5,
        ),
        5.5,
    ),
    "Perfetto, one name on two chips": (
        lambda: rails((1, 0, 0, 0), (1, 1, 0, 0), (1, 0, 1000, 3), (1, 1, 1000, 4), names={(1, 0): "V", (1, 1): "V"}),
        7e-6,
    ),
    "Perfetto, one rail in two sessions": (
        lambda: rails((1, 0, 0, 0), (2, 5, 1000, 3), (2, 5, 2000, 9), names={(1, 0): "V", (2, 5): "V"}),
        9e-6,
    ),
    "Perfetto, a stray sample below": (
        lambda: rails((1, 0, 0, 1), (1, 0, 1000, 0), (1, 0, 2000, 5), names={(1, 0): "V"}),
        4e-6,
    ),
    "RAPL at its end": (lambda: whole(rapl_trace(rapl(900_000, 100_000, 300_000))), 0.4),
    "RAPL from idle to load": (lambda: whole(rapl_trace(rapl(0, 10_000, 20_000, 300_000))), 0.3),
    "hwmon, 5 W for 4 s": (lambda: whole(hwmon("power1_input", *[5_000_000] * 5)), 20.0),
    "hwmon, a counter": (lambda: whole(hwmon("energy1_input", 7_000_000, 9_500_000)), 2.5),
    "3 W over 1 W idle, 9.8 s, 100 inferences": (
        lambda: energy_per_inference(LOADED, IDLE, [LoadWindow(10.1, 19.9, 100), LoadWindow(30.1, 39.9, 100)]).joules[
            0
        ],
        0.196,
    ),
}

REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "10 mA, screen off": (lambda: gauge_trace(gauge(0.01, 1e-6, fallen_c=1.2)), "too little"),
    "counter half off": (lambda: gauge_trace(gauge(0.5, 1e-6, fallen_c=40)), "60 C in microamperes"),
    "a unit of neither kind": (lambda: gauge_trace(gauge(0.5, 1e-4, fallen_c=60)), "contradicts itself"),
    "counter set anew": (
        lambda: gauge_trace(
            gauge(0.5, 1e-6, fallen_c=60)._replace(charge_c=(*(9000.0 - at for at in range(60)), *[9500.0] * 61))
        ),
        "rose while discharging",
    ),
    "charging, by its own words": (lambda: battery_trace(draining(STATUS="Charging"), "/BAT0"), "charging or full"),
    "power_now of nothing": (lambda: power_trace(SECONDS, [0.0] * 121), "no power"),
    "power_now that changes sign": (lambda: power_trace(SECONDS, [1.0, -1.0] * 60 + [1.0]), "sign"),
    "power_now told nine times": (lambda: power_trace(SECONDS[:9], [1.0] * 9), "9 times"),
    "power_now against energy_now": (
        lambda: power_trace(SECONDS, [36.0] * 121, [1e5 - 72 * at for at in range(121)]),
        "contradicts itself",
    ),
    "energy_now too coarse": (
        lambda: stored_trace(SECONDS, [100.0 - at // 30 for at in range(121)]),
        "4 of its steps; at least 100",
    ),
    "energy_now that rises": (lambda: stored_trace(SECONDS, [100.0 + (at > 60) for at in range(121)]), "rose"),
    "rails set back": (lambda: odpm_trace(odpm(*(f"CH0(T=1)[A], {uj}\n" for uj in (5, 9, 2)))), "A started again"),
    "Perfetto's rails set back": (
        lambda: rails((1, 0, 0, 5), (1, 0, 1000, 9), (1, 0, 2000, 1), (1, 0, 3000, 2), names={(1, 0): "V"}),
        "V started again",
    ),
    "RAPL set back before its end": (
        lambda: rapl_trace(rapl(500_000, 520_000, 10, 20_000, full=262_143_328_850)),
        "before its end",
    ),
    "hwmon set back": (lambda: hwmon("energy1_input", 9, 3), "started again"),
    "hwmon, several rails": (
        lambda: sensor_of([f"{HWMON}power1_input", f"{HWMON}power2_input"], {f"{HWMON}power1_label": "VDD_GPU"}),
        "not told which of its sensors",
    ),
    "hwmon, of the graphics card": (lambda: sensor_of([f"{HWMON}power1_input"], {f"{HWMON}name": "amdgpu"}), "no read"),
    "rails without a common time": (
        lambda: rails_trace({"A": (RailSample(0, 0), RailSample(1, 1)), "B": (RailSample(2, 0), RailSample(3, 1))}),
        "not sampled at the same time",
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact(name: str) -> None:
    found, by_hand = EXACT[name]
    assert found() == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    found, words = REFUSED[name]
    with pytest.raises((ValueError, NoMeterError, UnreadableOutputError), match=words):
        found()


def test_the_whole_board_s_sensor_is_told_by_its_label() -> None:
    """A Jetson has one for the input and others behind it."""
    names = {f"{HWMON}power1_label": "VDD_IN", f"{HWMON}power2_label": "VDD_CPU"}
    assert sensor_of([f"{HWMON}power1_input", f"{HWMON}power2_input"], names) == f"{HWMON}power1_input"
