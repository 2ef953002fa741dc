"""powermetrics on a Mac: Apple's estimate of each rail, not comparable between models."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from device_harness import process
from device_harness.apple.advice import failure
from device_harness.errors import CommandFailedError, UnreadableOutputError
from device_harness.protocol import RailSampler
from profilers.clock import Clock
from profilers.meters.energy import EnergyTrace
from profilers.meters.meter import Meter, Setting
from profilers.meters.timeline import HostTimeline
from profilers.meters.traced import TracedMeter, Watched
from profilers.parse.apple.powermetrics import PlistStream, PowerSample

POWERMETRICS = "powermetrics"
INTERVAL_S = 0.2
ESTIMATE = "Apple's own estimate of the rails; not comparable between models of Macs"
SUDO_ADVICE = "It needs the administrator: run `sudo -v` first, or allow /usr/bin/powermetrics alone in /etc/sudoers."


def find(setting: Setting) -> Meter | None:
    """See `MeterModule.find`."""
    rails = setting.device.can.rails
    if rails is None:
        return None
    return TracedMeter(
        name=POWERMETRICS,
        watch=lambda seconds: _watched(rails, setting.clock, seconds),
        timeline=lambda: HostTimeline(setting.device, setting.clock),
        estimate=ESTIMATE,
    )


@contextmanager
def _watched(rails: RailSampler, clock: Clock, seconds: float) -> Iterator[Watched]:
    with tempfile.TemporaryDirectory(prefix="mobile-export-") as folder:
        began = clock.now()
        with Powermetrics(rails, Path(folder, "power.plists"), seconds=seconds) as meter:
            samples: list[PowerSample] = []
            yield lambda: rail_trace(samples, began)
            samples += meter.samples()


class Powermetrics:
    """Samples the rails of this Mac for a fixed time, beside a measurement; a context manager.

    It runs as the administrator and cannot be ended by this program: it ends by itself when its time is over.
    """

    def __init__(self, rails: RailSampler, output: Path, *, seconds: float, interval_s: float = INTERVAL_S) -> None:
        self._output = output
        self._seconds = seconds
        self._command = rails.rail_command(interval_s, ceil(seconds / interval_s), output)
        self._process: process.Process | None = None

    def __enter__(self) -> "Powermetrics":
        process.find_program(POWERMETRICS, "It is part of macOS: energy of this kind is measured on a Mac only.")
        self._process = process.Process(self._command)
        return self

    def samples(self) -> tuple[PowerSample, ...]:
        """Wait until the time is over, and return every sample.

        Raises:
            CommandFailedError: it could not be started without a password, or failed.
            UnreadableOutputError: its output is no stream of property lists.
        """
        assert self._process is not None, "sampling has not begun"
        result = self._process.wait(self._seconds * 1.5 + 30)
        if result.returncode != 0:
            told = result.errors + result.text
            if "password" in told or "superuser" in told:
                raise CommandFailedError(f"powermetrics did not start: {told.strip()}. {SUDO_ADVICE}")
            raise failure("powermetrics failed", told, serial=None)
        return read_samples(self._output)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.close()


def read_samples(path: Path) -> tuple[PowerSample, ...]:
    """Every sample in a file that powermetrics wrote.

    Raises:
        UnreadableOutputError: not such a file, or empty.
    """
    stream = PlistStream()
    samples = list(stream.feed(path.read_bytes() if path.exists() else b""))
    last = stream.close()
    samples += [last] if last else []
    if not samples:
        raise UnreadableOutputError("powermetrics wrote no sample.")
    return tuple(samples)


def rail_trace(samples: Sequence[PowerSample], start_s: float) -> EnergyTrace:
    """Energy of CPU, GPU and Neural Engine since `start_s`, on the clock of `start_s`.

    Raises:
        ValueError: a sample lacks one of the rails.
    """
    times, joules = [start_s], [0.0]
    for sample in samples:
        if sample.soc_joules is None:
            raise ValueError("powermetrics gave no figure for one of CPU, GPU and Neural Engine")
        times.append(times[-1] + sample.elapsed_s)
        joules.append(joules[-1] + sample.soc_joules)
    return EnergyTrace(tuple(times), tuple(joules))
