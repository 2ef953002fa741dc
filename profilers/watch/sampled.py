"""Readings of what was sampled while models ran."""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from device_harness.errors import UnreadableOutputError
from device_harness.protocol import Shell
from device_harness.runners.bench_document import BenchDocument
from profilers.parse.linux.proc import parse_memory_status, parse_process_stat
from profilers.parse.linux.sampler import Sample, numbers_of
from profilers.readings import Reading
from profilers.watch.monitor import monitored

# USER_HZ of Linux and Android on every architecture that LiteRT runs on.
TICKS_PER_S = 100


class ProcessUse(NamedTuple):
    """What samples of ``/proc/PID/stat`` and ``status`` show of one process.

    Attributes:
        peak_bytes: max(VmHWM, max(VmRSS + VmSwap)); None when no sample has them.
        cpus: CPUs kept busy between the first and the last sample; None without two samples a tenth of a second apart.
    """

    peak_bytes: int | None
    cpus: float | None


def process_use(samples: Sequence[Sample], pid: int) -> ProcessUse:
    """Memory and processor time of process `pid` from what was sampled while it lived."""
    peaks: list[int] = []
    ticks: list[tuple[float, int]] = []
    for sample in samples:
        with contextlib.suppress(UnreadableOutputError):
            memory = parse_memory_status(sample.texts.get(f"/proc/{pid}/status", ""))
            peaks.append(max(memory.get("VmHWM", 0), memory.get("VmRSS", 0) + memory.get("VmSwap", 0)))
        with contextlib.suppress(UnreadableOutputError):
            times = parse_process_stat(sample.texts.get(f"/proc/{pid}/stat", ""))
            ticks.append((sample.time_s, times.user_ticks + times.system_ticks))
    cpus = None
    if len(ticks) >= 2 and ticks[-1][0] - ticks[0][0] >= 0.1:
        cpus = (ticks[-1][1] - ticks[0][1]) / TICKS_PER_S / (ticks[-1][0] - ticks[0][0])
    return ProcessUse(max(peaks, default=None), cpus)


def frequency_readings(
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
        (clock.measure_start_s + clock.boottime_offset_s, clock.measure_end_s + clock.boottime_offset_s)
        for clock in (document.clock for document in documents)
    ]
    within = tuple(sample for sample in samples if any(start <= sample.time_s <= end for start, end in phases))
    found = []
    for path in sorted({path for sample in within for path in sample.texts if "cpufreq" in path}):
        values = numbers_of(within, path)[1]
        cpu = re.search(r"cpu\d+", path)
        if values and cpu:
            update = {
                "metric": f"cpu_frequency.{cpu[0]}",
                "unit": "Hz",
                "samples": tuple(value * 1e3 for value in values),
                "warmup_samples": (),
                "groups": (),
                "source": path,
                "sampling_interval_s": interval_s,
            }
            found.append(like.model_copy(update=update))
    return tuple(found)


class ProcessWatch:
    """What was sampled of a process; `use` is complete when the watching is over."""

    def __init__(self) -> None:
        self.use = ProcessUse(None, None)


def watch_process(interval_s: float) -> Callable[[Shell, int], AbstractContextManager[ProcessWatch]]:
    """Samples ``stat`` and ``status`` of a process every `interval_s`, for `BenchmarkModel`."""

    @contextlib.contextmanager
    def watch(shell: Shell, pid: int) -> Iterator[ProcessWatch]:
        watched = ProcessWatch()
        with monitored(shell, [f"/proc/{pid}/stat", f"/proc/{pid}/status"], interval_s) as monitor:
            yield watched
        watched.use = process_use(monitor.samples, pid)

    return watch
