"""Meters that are sampled beside the phases and give one trace of all of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from device_harness.protocol import Shell
from profilers.meters.energy import EnergyTrace, energy_per_inference
from profilers.meters.meter import Energy, Phases
from profilers.meters.timeline import Timeline
from profilers.parse.linux.sampler import Sample
from profilers.watch.monitor import monitored

# Gives the trace, once the block is over.
Watched = Callable[[], EnergyTrace]


@dataclass(frozen=True)
class TracedMeter:
    """Implements `Meter` by a trace.

    Attributes:
        watch: samples inside a block of at most so many seconds; the value gives the trace after it.
        timeline: begins the clock that the trace is on.
        shortest_s: phases shorter than this are refused, because the meter is too slow for them.
        estimate: why its figures are estimates; None where they are measured.
    """

    name: str
    watch: Callable[[float], AbstractContextManager[Watched]]
    timeline: Callable[[], Timeline]
    of_battery: bool = False
    shortest_s: float = 0.0
    estimate: str | None = None

    def measure(self, phases: Phases) -> Energy:
        """See `Meter.measure`."""
        with self.watch(phases.seconds) as watched:
            idle, loads = phases.alternate(self.timeline())
        short = min([end - start for start, end in idle] + [load.end_s - load.start_s for load in loads])
        if short < self.shortest_s:
            raise ValueError(f"the shortest phase lasted {short:.0f} s; {self.name} needs {self.shortest_s:.0f} s")
        result = energy_per_inference(watched(), idle, loads)
        if result.refused:
            raise ValueError(result.refused)
        return Energy(result.joules, self.estimate)


@contextmanager
def watched_files(
    shell: Shell, files: Sequence[str], interval_s: float, trace: Callable[[Sequence[Sample]], EnergyTrace]
) -> Iterator[Watched]:
    """Sample files of the device, of which `trace` makes the trace."""
    with monitored(shell, files, interval_s) as monitor:
        yield lambda: trace(monitor.samples)
