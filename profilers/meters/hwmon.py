"""Power sensors of Linux boards (hwmon): a counter of energy, or a power that is integrated."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from profilers.meters.energy import EnergyTrace, integrate_power
from profilers.meters.meter import Meter, NoMeterError, Setting
from profilers.meters.timeline import BootTimeline
from profilers.meters.traced import TracedMeter, watched_files
from profilers.parse.linux.sampler import Sample, numbers_of
from profilers.watch.monitor import HWMON_FILES, HWMON_NAMES, read_first_lines, readable_files

# Chips whose sensors are of one part that is not the processor's, by what their drivers call themselves.
OTHER_PARTS = ("amdgpu", "nouveau", "radeon", "xe", "i915", "nvme", "mlx5", "power_meter_psu")
WHOLE = re.compile(r"vdd_in|sys|total|board|input|main|vin", re.IGNORECASE)
MICRO = 1e-6


def find(setting: Setting) -> Meter | None:
    """See `MeterModule.find`."""
    shell, interval_s = setting.device.can.shell, setting.plan.sampling_interval_s
    if shell is None:
        return None
    sensor = sensor_of(readable_files(shell, HWMON_FILES), read_first_lines(shell, HWMON_NAMES))

    def trace(samples: Sequence[Sample]) -> EnergyTrace:
        return hwmon_trace(samples, sensor)

    return TracedMeter(
        name=f"hwmon {sensor}",
        watch=lambda seconds: watched_files(shell, [sensor], interval_s, trace),
        timeline=lambda: BootTimeline(shell),
    )


def sensor_of(files: Sequence[str], names: Mapping[str, str]) -> str:
    """The sensor of the whole board: the only one, or the only one whose label says so; a counter before a power.

    Args:
        files: ``/sys/class/hwmon/hwmonN/energyM_input`` and ``powerM_input``.
        names: text of ``name`` and ``*_label`` files by path.

    Raises:
        NoMeterError: there is none, or it is not told which.
    """
    own = [file for file in files if names.get(f"{PurePosixPath(file).parent}/name") not in OTHER_PARTS]
    for kind in ("energy", "power"):
        sensors = [file for file in own if PurePosixPath(file).name.startswith(kind)]
        labels = {file: names.get(file.replace("_input", "_label"), "") for file in sensors}
        whole = [file for file in sensors if WHOLE.search(labels[file])]
        if len(sensors) == 1 or len(whole) == 1:
            return (whole or sensors)[0]
        if sensors:
            told = ", ".join(labels[file] or file for file in sensors)
            raise NoMeterError(f"it is not told which of its sensors is the whole board's: {told}")
    raise NoMeterError("no readable power or energy sensor")


def hwmon_trace(samples: Sequence[Sample], sensor: str) -> EnergyTrace:
    """Joules of a sensor, which counts microjoules or shows microwatts.

    Raises:
        ValueError: it could not be read at all times, or its counter started again.
    """
    times, values = numbers_of(tuple(samples), sensor)
    if len(times) != len(samples) or not times:
        raise ValueError(f"{sensor} could not be read at all times")
    if PurePosixPath(sensor).name.startswith("power"):
        return integrate_power(times, [value * MICRO for value in values])
    if any(after < before for before, after in pairwise(values)):
        raise ValueError(f"{sensor} started again while it was read")
    return EnergyTrace(tuple(times), tuple(value * MICRO for value in values))
