"""Power rails in sysfs (iio, as on Pixels with On-Device Power Monitor)."""

from collections.abc import Sequence
from itertools import pairwise

from device_harness.errors import UnreadableOutputError
from profilers.meters.energy import EnergyTrace
from profilers.meters.meter import Meter, NoMeterError, Setting
from profilers.meters.perfetto import rails_trace
from profilers.meters.timeline import BootTimeline
from profilers.meters.traced import TracedMeter, watched_files
from profilers.parse.android.rails import RailSample, parse_odpm
from profilers.parse.linux.sampler import Sample
from profilers.watch.monitor import IIO_FILES, readable_files

# Within this the chip's times are of the clock since boot that samples are on; else they are of another.
CHIP_CLOCK_S = 5.0


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
        ValueError: no rail in all samples, or a counter that started again.
    """
    rows = [(sample.time_s, rails) for sample, rails in ((one, _rails(one)) for one in samples) if rails]
    names = set.intersection(*(set(rails) for _, rails in rows)) if rows else set()
    if not names:
        raise ValueError("the power rails could not be read")
    for path, name in sorted(names):
        counts = [rails[path, name].joules for _, rails in rows]
        if any(after < before for before, after in pairwise(counts)):
            raise ValueError(f"the counter of power rail {name} started again while it was read")
    if not all(abs(rails[key].time_s - at) <= CHIP_CLOCK_S for at, rails in rows for key in names):
        return EnergyTrace(
            tuple(at for at, _ in rows), tuple(sum(rails[name].joules for name in names) for _, rails in rows)
        )
    # A chip renews its counters when it will: what it says of when that was is nearer than when they were read.
    return rails_trace(
        {f"{path} {name}": tuple(dict.fromkeys(rails[path, name] for _, rails in rows)) for path, name in names}
    )


def _rails(sample: Sample) -> dict[tuple[str, str], RailSample]:
    """By power chip and name: two chips may call a rail the same."""
    found = {}
    for path, text in sample.texts.items():
        try:
            found.update({(path, name): rail for name, rail in parse_odpm(text).items()})
        except UnreadableOutputError:
            continue
    return found
