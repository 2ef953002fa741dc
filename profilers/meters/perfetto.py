"""Power rails by Perfetto's android.power (Pixel 6 and newer): the most trusted meter of a phone."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from device_harness.errors import UnreadableOutputError
from device_harness.protocol import Shell
from profilers.clock import Clock
from profilers.meters.energy import EnergyTrace, joules_at
from profilers.meters.meter import Meter, Setting
from profilers.meters.timeline import BootTimeline
from profilers.meters.traced import TracedMeter, Watched
from profilers.parse.android.rails import RailSample, parse_perfetto

_CONFIG = """duration_ms: {duration_ms}
buffers {{ size_kb: 10240 fill_policy: RING_BUFFER }}
data_sources {{ config {{ name: "android.power" android_power_config {{
  battery_poll_ms: {poll_ms} collect_power_rails: true }} }} }}
"""
# SELinux lets perfetto write to its own folder only, and read its configuration from standard input only.
_SCRIPT = 'trace=$1; exec perfetto --txt -c - -o "$trace" < "$2"'
LONGEST_MS, PROBE_MS = 3_600_000, 1000
SHORTEST_POLL_MS = 250
# From its start to the first sample of the data source.
START_S = 2.0
COMMAND_S = 30.0
SAVE_S = 60.0


def find(setting: Setting) -> Meter | None:
    """See `MeterModule.find`."""
    can = setting.device.can
    if can.tracing is None or can.shell is None:
        return None
    shell, folder = can.shell, can.tracing.trace_folder()
    rails = _count_rails(shell, folder)
    poll_ms = max(SHORTEST_POLL_MS, int(setting.plan.sampling_interval_s * 1000))
    return TracedMeter(
        name=f"Perfetto android.power, {rails} rails",
        watch=lambda seconds: _watched(shell, folder, poll_ms, setting.clock),
        timeline=lambda: BootTimeline(shell),
    )


def rails_trace(rails: Mapping[str, tuple[RailSample, ...]]) -> EnergyTrace:
    """Joules of all rails together over the time that all of them cover, each interpolated between its samples.

    Raises:
        ValueError: the rails have no time in common.
    """
    long = {name: samples for name, samples in rails.items() if len(samples) >= 2}
    if not long:
        raise ValueError("no rail has two samples")
    start = max(samples[0].time_s for samples in long.values())
    end = min(samples[-1].time_s for samples in long.values())
    times = sorted({sample.time_s for samples in long.values() for sample in samples if start <= sample.time_s <= end})
    if len(times) < 2:
        raise ValueError("the rails were not sampled at the same time")
    each = [
        EnergyTrace(tuple(one.time_s for one in samples), tuple(one.joules for one in samples))
        for samples in long.values()
    ]
    return EnergyTrace(tuple(times), tuple(sum(joules_at(rail, time) for rail in each) for time in times))


@contextmanager
def _watched(shell: Shell, folder: str, poll_ms: int, clock: Clock) -> Iterator[Watched]:
    path = f"{folder}/mobile-export-{Path(shell.workspace).name}.pftrace"
    config = _pushed_config(shell, "perfetto.txt", duration_ms=LONGEST_MS, poll_ms=poll_ms)
    process = shell.start(["sh", "-c", _SCRIPT, "sh", path, config])
    content: list[bytes] = []
    try:
        clock.wait(START_S)
        yield lambda: rails_trace(parse_perfetto(content[0]).rails)
        shell.run(["kill", "-TERM", str(process.pid)], timeout_s=COMMAND_S)
        process.wait(SAVE_S)
        content.append(_pulled(shell, path))
    finally:
        process.kill()
        shell.run(["rm", "-f", path], timeout_s=COMMAND_S)


def _count_rails(shell: Shell, folder: str) -> int:
    """How many rails a one-second trace has.

    Raises:
        UnreadableOutputError: none.
        DeviceError: Perfetto cannot be run.
    """
    path = f"{folder}/mobile-export-{Path(shell.workspace).name}-probe.pftrace"
    config = _pushed_config(shell, "probe.txt", duration_ms=PROBE_MS, poll_ms=SHORTEST_POLL_MS)
    result = shell.run(["sh", "-c", _SCRIPT, "sh", path, config], timeout_s=COMMAND_S)
    try:
        if result.returncode != 0:
            raise UnreadableOutputError(f"perfetto ended with {result.returncode}: {result.errors.strip()[-160:]}")
        rails = parse_perfetto(_pulled(shell, path)).rails
    finally:
        shell.run(["rm", "-f", path], timeout_s=COMMAND_S)
    if not rails:
        raise UnreadableOutputError("this device has no power rails in Perfetto (Pixel 6 and newer have)")
    return len(rails)


def _pushed_config(shell: Shell, name: str, *, duration_ms: int, poll_ms: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, name)
        config.write_text(_CONFIG.format(duration_ms=duration_ms, poll_ms=poll_ms), encoding="utf-8")
        return shell.push(config, name)


def _pulled(shell: Shell, path: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder, "trace.pftrace")
        shell.pull(path, local)
        return local.read_bytes()
