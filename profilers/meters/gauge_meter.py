"""The battery's fuel gauge in sysfs, once its unit and sign have been checked (`profilers.meters.gauge`)."""

from collections.abc import Sequence

from profilers.meters.energy import EnergyTrace
from profilers.meters.gauge import battery_trace, find_gauge
from profilers.meters.meter import Meter, NoMeterError, Setting
from profilers.meters.timeline import BootTimeline
from profilers.meters.traced import TracedMeter, watched_files
from profilers.parse.linux.sampler import Sample
from profilers.watch.monitor import GAUGE_FILES, readable_files


def find(setting: Setting) -> Meter | None:
    """See `MeterModule.find`."""
    shell, interval_s = setting.device.can.shell, setting.plan.sampling_interval_s
    if shell is None:
        return None
    gauge = find_gauge(readable_files(shell, [GAUGE_FILES]))
    if gauge is None:
        raise NoMeterError("no readable power_supply")

    def trace(samples: Sequence[Sample]) -> EnergyTrace:
        return battery_trace(samples, gauge)

    return TracedMeter(
        name=f"fuel gauge {gauge}",
        watch=lambda seconds: watched_files(shell, [gauge], interval_s, trace),
        timeline=lambda: BootTimeline(shell),
        of_battery=True,
    )
