"""The battery of an iPhone or iPad: its own gauge, read once a second over Wi-Fi; of the whole device."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from device_harness.protocol import BatteryStream
from profilers.clock import Clock
from profilers.meters.energy import EnergyTrace, integrate_power
from profilers.meters.meter import Meter, NoMeterError, Setting
from profilers.meters.timeline import HostTimeline
from profilers.meters.traced import TracedMeter, Watched
from profilers.parse.apple.telemetry import BatterySample
from profilers.watch.battery import BatteryMonitor

NAME = "battery current over Wi-Fi, 1 Hz"
SHORTEST_PHASE_S = 60.0


def find(setting: Setting) -> Meter | None:
    """See `MeterModule.find`."""
    stream = setting.device.can.current
    if stream is None:
        return None
    if setting.device.info().connection != "network":
        raise NoMeterError("the device hangs on a cable, which charges it: connect it over Wi-Fi")
    return TracedMeter(
        name=NAME,
        watch=lambda seconds: _watched(stream, setting.clock),
        timeline=lambda: HostTimeline(setting.device, setting.clock),
        of_battery=True,
        shortest_s=SHORTEST_PHASE_S,
    )


@contextmanager
def _watched(stream: BatteryStream, clock: Clock) -> Iterator[Watched]:
    with BatteryMonitor(stream.battery_command(), clock) as monitor:
        yield lambda: battery_trace(*monitor.timed())


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
