"""Readings of what was sampled while models ran."""

import re
from collections.abc import Sequence

from device_harness.bench_document import BenchDocument
from profilers.parse.sampler import Sample, numbers_of
from profilers.readings import Reading


def sampled_readings(
    samples: tuple[Sample, ...], documents: Sequence[BenchDocument], like: Reading, interval_s: float
) -> tuple[Reading, ...]:
    """CPU frequencies in the measured phases of `documents`, one reading a CPU.

    Args:
        samples: of cpufreq files, on the device's boot clock.
        documents: the processes whose measured phases count.
        like: a reading whose device, environment, conditions and time are taken.
        interval_s: time between two samples.
    """
    phases = [
        (document.clock.measure_start_s + document.clock.boottime_offset_s,
         document.clock.measure_end_s + document.clock.boottime_offset_s)
        for document in documents
    ]  # fmt: skip
    within = tuple(sample for sample in samples if any(start <= sample.time_s <= end for start, end in phases))
    found = []
    for path in sorted({path for sample in within for path in sample.texts if "cpufreq" in path}):
        values = numbers_of(within, path)[1]
        cpu = re.search(r"cpu\d+", path)
        if values and cpu:
            update = {
                "metric": f"cpu_frequency.{cpu[0]}", "unit": "Hz", "samples": tuple(value * 1e3 for value in values),
                "warmup_samples": (), "groups": (), "source": path, "sampling_interval_s": interval_s,
            }  # fmt: skip
            found.append(like.model_copy(update=update))
    return tuple(found)
