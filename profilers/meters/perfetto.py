"""Where a device's energy is read, in order of trust, and the trace of each meter."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from device_harness.errors import CommandTimeoutError, DeviceError, UnreadableOutputError
from device_harness.protocol import Device
from profilers.meters.energy import EnergyTrace
from profilers.meters.gauge import find_gauge, gauge_of, gauge_trace
from profilers.parse.android.rails import RailSample, parse_odpm, parse_perfetto
from profilers.parse.linux.sampler import Sample, numbers_of
from profilers.watch.monitor import GAUGE_FILES, IIO_FILES, RAPL_FILES, Monitor, monitored, readable_files

_PERFETTO_CONFIG = """duration_ms: 3600000
buffers {{ size_kb: 10240 fill_policy: RING_BUFFER }}
data_sources {{ config {{ name: "android.power" android_power_config {{
  battery_poll_ms: {poll_ms} collect_power_rails: true }} }} }}
"""
# From its start to the first sample of the data source.
PERFETTO_START_S = 2.0
PERFETTO_TRACES = "/data/misc/perfetto-traces"


class Meter(NamedTuple):
    """A way to read energy.

    Attributes:
        name: shown as the source.
        battery: whether it is upstream of the charger, so that it means nothing while charging.
        watch: samples it inside a block.
    """

    name: str
    battery: bool
    watch: "Callable[[], AbstractContextManager[Watched]]"


class Watched:
    """The result of a watched time: a trace on the boot clock, or why there is none."""

    def __init__(self) -> None:
        self.trace: EnergyTrace | None = None
        self.reason: str | None = None


def find_meter(device: Device, interval_s: float, *, android: bool) -> tuple[Meter | None, list[str]]:
    """The most trusted meter of the device, and why each better one is not there."""
    missing = []
    if android:
        try:
            rails = _perfetto_rails(device)
        except (DeviceError, UnreadableOutputError) as error:
            missing.append(f"power rails by Perfetto: {error}")
        else:
            name = f"Perfetto android.power, {rails} rails"
            return Meter(name, False, lambda: _watch_perfetto(device, interval_s)), missing
    files = readable_files(device, [IIO_FILES])
    if files:
        return Meter("iio power rails", False, lambda: _watch_files(device, files, interval_s, odpm_trace)), missing
    missing.append("power rails by iio: no readable energy_value")
    counters = readable_files(device, RAPL_FILES)
    if counters:
        return Meter("RAPL package counters", False,
                     lambda: _watch_files(device, counters, interval_s, rapl_trace)), missing  # fmt: skip
    missing.append("RAPL: no readable counter (virtual machines have none; only root may read it)")
    gauge = find_gauge(readable_files(device, [GAUGE_FILES]))
    if gauge:

        def trace(samples: Sequence[Sample]) -> EnergyTrace:
            return gauge_trace(gauge_of(samples, gauge))

        return Meter(f"fuel gauge {gauge}", True, lambda: _watch_files(device, [gauge], interval_s, trace)), missing
    missing.append("fuel gauge: no readable power_supply")
    return None, missing


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


def rapl_trace(samples: Sequence[Sample]) -> EnergyTrace:
    """Joules of all packages; a counter that starts again from 0 goes on from where it was.

    Raises:
        ValueError: a counter is missing in some samples.
    """
    taken = tuple(samples)
    paths = sorted({path for sample in taken for path in sample.texts if path.endswith("/energy_uj")})
    total = np.zeros(len(taken))
    for path in paths:
        counts = numbers_of(taken, path)[1]
        ranges = numbers_of(taken, path.replace("energy_uj", "max_energy_range_uj"))[1]
        if len(counts) != len(taken) or not ranges:
            raise ValueError(f"{path} could not be read at all times")
        steps = np.diff(np.asarray(counts))
        total += np.concatenate(([0.0], np.cumsum(np.where(steps >= 0, steps, steps + ranges[0])))) / 1e6
    if not paths:
        raise ValueError("no RAPL counter was sampled")
    return EnergyTrace(tuple(sample.time_s for sample in taken), tuple(total.tolist()))


def rails_trace(rails: dict[str, tuple[RailSample, ...]]) -> EnergyTrace:
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
    total = np.zeros(len(times))
    for samples in long.values():
        total += np.interp(times, [sample.time_s for sample in samples], [sample.joules for sample in samples])
    return EnergyTrace(tuple(times), tuple(total.tolist()))


@contextmanager
def _watch_files(
    device: Device, files: Sequence[str], interval_s: float, trace: Callable[[Sequence[Sample]], EnergyTrace]
) -> Iterator[Watched]:
    watched = Watched()
    monitor: Monitor
    with monitored(device, files, interval_s) as monitor:
        yield watched
    try:
        watched.trace = trace(monitor.samples)
    except ValueError as error:
        watched.reason = str(error)


@contextmanager
def _watch_perfetto(device: Device, interval_s: float) -> Iterator[Watched]:
    watched = Watched()
    with tempfile.TemporaryDirectory() as folder:
        config, local = Path(folder, "config.txt"), Path(folder, "trace.pftrace")
        config.write_text(_PERFETTO_CONFIG.format(poll_ms=max(250, int(interval_s * 1000))), encoding="utf-8")
        # SELinux lets perfetto write to its own folder only, and read its configuration from standard input only.
        script = 'trace=$1; exec perfetto --txt -c - -o "$trace" < "$2"'
        where = _trace_folder(device)
        path = f"{where}/mobile-export-{Path(device.workspace).name}.pftrace"
        process = device.start(["sh", "-c", script, "sh", path, device.push(config, "perfetto.txt")])
        time.sleep(PERFETTO_START_S)
        try:
            yield watched
            device.run(["kill", "-TERM", str(process.pid)], timeout_s=30)
            process.wait(60)
            device.pull(path, local)
            watched.trace = rails_trace(parse_perfetto(local.read_bytes()).rails)
        except (CommandTimeoutError, UnreadableOutputError, ValueError) as error:
            watched.reason = str(error)
        finally:
            process.kill()
            device.run(["rm", "-f", path], timeout_s=30)


def _perfetto_rails(device: Device) -> int:
    """How many rails a one-second trace has.

    Raises:
        UnreadableOutputError: none.
        DeviceError: Perfetto cannot be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        config, local = Path(folder, "config.txt"), Path(folder, "trace.pftrace")
        text = _PERFETTO_CONFIG.format(poll_ms=250).replace("3600000", "1000")
        config.write_text(text, encoding="utf-8")
        path = f"{_trace_folder(device)}/mobile-export-{Path(device.workspace).name}-probe.pftrace"
        command = ["sh", "-c", 'exec perfetto --txt -c - -o "$1" < "$2"', "sh", path, device.push(config, "probe.txt")]
        result = device.run(command, timeout_s=30)
        try:
            if result.returncode != 0:
                raise UnreadableOutputError(f"perfetto ended with {result.returncode}: {result.errors.strip()[-160:]}")
            device.pull(path, local)
        finally:
            device.run(["rm", "-f", path], timeout_s=30)
        rails = parse_perfetto(local.read_bytes()).rails
    if not rails:
        raise UnreadableOutputError("this device has no power rails in Perfetto (Pixel 6 and newer have)")
    return len(rails)


def _trace_folder(device: Device) -> str:
    result = device.run(["sh", "-c", f"[ -w {PERFETTO_TRACES} ]"], timeout_s=30)
    return PERFETTO_TRACES if result.returncode == 0 else device.workspace
