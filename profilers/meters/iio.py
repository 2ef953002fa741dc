"""Power rails in sysfs (iio, as on Pixels with On-Device Power Monitor)."""

from collections.abc import Sequence

from device_harness.errors import UnreadableOutputError
from profilers.meters.energy import EnergyTrace
from profilers.meters.meter import Meter, NoMeterError, Setting
from profilers.meters.timeline import BootTimeline
from profilers.meters.traced import TracedMeter, watched_files
from profilers.parse.android.rails import parse_odpm
from profilers.parse.linux.sampler import Sample
from profilers.watch.monitor import IIO_FILES, readable_files


def find(setting: Setting) -> Meter | None:
    """See `MeterModule.find`."""
    shell, interval_s = setting.device.can.shell, setting.plan.sampling_interval_s
    if shell is None:
        return None
    files = readable_files(shell, [IIO_FILES])
    if not files:
        raise NoMeterError("no readable energy_value")
    return TracedMeter(
        name="iio power rails",
        watch=lambda seconds: watched_files(shell, files, interval_s, odpm_trace),
        timeline=lambda: BootTimeline(shell),
    )


def odpm_trace(samples: Sequence[Sample]) -> EnergyTrace:
    """Joules of all rails together, from iio files; a rail that is missing at times is left out.

    Raises:
        ValueError: no rail in all samples.
    """
    rows = []
    for sample in samples:
        try:
            rows.append((sample.time_s, parse_odpm("\n".join(sample.texts.values()))))
        except UnreadableOutputError:
            continue
    names = set.intersection(*(set(rails) for _, rails in rows)) if rows else set()
    if not names:
        raise ValueError("the power rails could not be read")
    return EnergyTrace(
        tuple(at for at, _ in rows), tuple(sum(rails[name].joules for name in names) for _, rails in rows)
    )
