"""Package counters of x86 processors (RAPL)."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from profilers.meters.energy import EnergyTrace
from profilers.meters.meter import Meter, NoMeterError, Setting
from profilers.meters.timeline import BootTimeline
from profilers.meters.traced import TracedMeter, watched_files
from profilers.parse.linux.sampler import Sample, numbers_of
from profilers.watch.monitor import RAPL_FILES, readable_files

# No power rises so much from one sample to the next: such a step is a counter that was set back, not one at its end.
MOST_TIMES_ORDINARY = 20.0


def find(setting: Setting) -> Meter | None:
    """See `MeterModule.find`."""
    shell, interval_s = setting.device.can.shell, setting.plan.sampling_interval_s
    if shell is None:
        return None
    counters = readable_files(shell, RAPL_FILES)
    if not counters:
        raise NoMeterError("no readable counter (virtual machines have none; only root may read it)")
    return TracedMeter(
        name="RAPL package counters",
        watch=lambda seconds: watched_files(shell, counters, interval_s, rapl_trace),
        timeline=lambda: BootTimeline(shell),
    )


def rapl_trace(samples: Sequence[Sample]) -> EnergyTrace:
    """Joules of all packages; a counter that starts again from 0 at its end goes on from where it was.

    Raises:
        ValueError: a counter is missing in some samples, or was set back before its end.
    """
    taken = tuple(samples)
    paths = sorted({path for sample in taken for path in sample.texts if path.endswith("/energy_uj")})
    total = [0.0] * len(taken)
    for path in paths:
        counts = numbers_of(taken, path)[1]
        ranges = numbers_of(taken, path.replace("energy_uj", "max_energy_range_uj"))[1]
        if len(counts) != len(taken) or not ranges:
            raise ValueError(f"{path} could not be read at all times")
        total = [sum(both) for both in zip(total, _joules(counts, ranges[0]), strict=True)]
    if not paths:
        raise ValueError("no RAPL counter was sampled")
    return EnergyTrace(tuple(sample.time_s for sample in taken), tuple(total))


def _joules(counts: Sequence[float], full: float) -> Iterator[float]:
    """Since the first of `counts`, which are microjoules and start again from 0 at `full`."""
    ordinary = [after - before for before, after in pairwise(counts) if after >= before]
    most = MOST_TIMES_ORDINARY * max(ordinary) if ordinary else full / 2
    steps = []
    for before, after in pairwise(counts):
        step = after - before if after >= before else after - before + full
        if after < before and step > most:
            raise ValueError("a RAPL counter started again before its end, as after sleep: its energy is not known")
        steps.append(step)
    return (micro / 1e6 for micro in accumulate(steps, initial=0.0))
