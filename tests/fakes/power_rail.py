"""A power rail of 1 W, and 2 J more for each CPU second of processes called bench_runner: for tests of energy.

Usage: python power_rail.py iio FILE        keeps writing an ODPM file until killed
       python power_rail.py perfetto ...     stands in for perfetto: writes a trace to -o FILE at its end or at SIGTERM
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import psutil

IDLE_W, JOULES_PER_CPU_S, STEP_S = 1.0, 2.0, 0.02


class Rail:
    """Joules since the beginning, by the boot clock."""

    def __init__(self) -> None:
        self.joules = 1000.0
        self.time_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._cpu_s: dict[int, float] = {}

    def step(self) -> None:
        """Wait a little and count on."""
        time.sleep(STEP_S)
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.joules += IDLE_W * (now - self.time_s)
        self.time_s = now
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == "bench_runner":
                with contextlib.suppress(psutil.Error):
                    self._count(process)

    def _count(self, process: psutil.Process) -> None:
        """Add what a process of this device used; other tests may run the same program elsewhere."""
        if process.pid not in self._cpu_s and process.environ().get("FAKE_ANDROID") != os.environ["FAKE_ANDROID"]:
            return
        times = process.cpu_times()
        used = times.user + times.system
        self.joules += JOULES_PER_CPU_S * max(0.0, used - self._cpu_s.get(process.pid, 0.0))
        self._cpu_s[process.pid] = used


def iio(path: Path) -> None:
    """Write the counter as the driver shows it."""
    rail = Rail()
    while True:
        rail.step()
        stamp = int(rail.time_s * 1e3)
        partial = path.with_name("energy_value.new")
        partial.write_text(f"t={stamp}\nCH0(T={stamp})[S2M_VDD_CPUCL2], {int(rail.joules * 1e6)}\n")
        os.replace(partial, path)


def perfetto(arguments: list[str]) -> None:
    """Sample until the configured duration is over or SIGTERM comes, then write the trace."""
    from profilers.parse.android.protos import message_class

    duration_s = int(sys.stdin.read().split("duration_ms:")[1].split()[0]) / 1e3
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    rail = Rail()
    trace = message_class("Trace")()
    trace.packet.add().power_rails.rail_descriptor.add(index=2, rail_name="S2M_VDD_CPUCL2")
    end = rail.time_s + duration_s
    while not stopped and rail.time_s < end:
        rail.step()
        packet = trace.packet.add(timestamp=int(rail.time_s * 1e9))
        packet.power_rails.energy_data.add(index=2, timestamp_ms=int(rail.time_s * 1e3), energy=int(rail.joules * 1e6))
    Path(arguments[arguments.index("-o") + 1]).write_bytes(trace.SerializeToString())


if __name__ == "__main__":
    if sys.argv[1] == "iio":
        iio(Path(sys.argv[2]))
    else:
        perfetto(sys.argv[2:])
