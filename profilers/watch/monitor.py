"""Samples files of a device while a model runs on it: frequencies, temperatures, counters of meters."""

import contextlib
import shlex
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from device_harness.protocol import Shell
from profilers.parse.linux.sampler import Sample, parse_samples

# Reads with the shell's own `read`: the only process that it starts is `sleep`, so that sampling costs little. A
# service is asked much less often, and not in the first rounds: asking it takes processor time.
_SCRIPT = """interval=$1; out=$2; every=$3; shift 3; round=0
while :; do
  read -r up _ < /proc/uptime
  {{ printf '@%s\\n' "$up"
    for f in "$@"; do
      printf '#%s\\n' "$f"
      while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done < "$f"
    done
    round=$((round + 1))
    if [ "$round" -eq "$every" ]; then round=0; printf '#{service}\\n'; {command}; fi; }} >> "$out" 2>/dev/null
  sleep "$interval"
done"""
# What a service's answer is called among the samples.
SERVICE = "/service"
SERVICE_INTERVAL_S = 2.0

FREQUENCY_FILES = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"
LIMIT_FILES = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_max_freq"
# What the hardware can, whatever it is held to now.
MAXIMUM_FILES = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq"
CPU_FILES = [f"/sys/devices/system/cpu/{name}" for name in ("online", "present", "smt/control")]
ONLINE_FILE = CPU_FILES[0]
GOVERNOR_FILES = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"
ZONE_FILES = "/sys/class/thermal/thermal_zone*/temp"
IIO_FILES = "/sys/bus/iio/devices/iio:device*/energy_value"
RAPL_FILES = [f"/sys/class/powercap/intel-rapl:?/{name}" for name in ("energy_uj", "max_energy_range_uj")]
HWMON_FILES = [f"/sys/class/hwmon/hwmon*/{name}" for name in ("energy*_input", "power*_input")]
HWMON_NAMES = ["/sys/class/hwmon/hwmon*/name", "/sys/class/hwmon/hwmon*/*_label"]
GAUGE_FILES = "/sys/class/power_supply/*/uevent"


def readable_files(shell: Shell, patterns: Sequence[str]) -> list[str]:
    """The device's files that match the shell patterns (of this module, never a user's) and can be read."""
    loop = f'for f in {" ".join(patterns)}; do [ -r "$f" ] && read -r x < "$f" && echo "$f"; done 2>/dev/null; true'
    return shell.run(["sh", "-c", loop], timeout_s=30).text.splitlines()


def read_first_lines(shell: Shell, patterns: Sequence[str]) -> dict[str, str]:
    """The first line of each of the device's files that match the shell patterns and can be read, by path."""
    loop = f'for f in {" ".join(patterns)}; do [ -r "$f" ] && read -r x < "$f" && printf "%s\\t%s\\n" "$f" "$x"; done'
    lines = shell.run(["sh", "-c", f"{{ {loop}; }} 2>/dev/null; true"], timeout_s=30).text.splitlines()
    return {path: text.strip() for path, tab, text in (line.partition("\t") for line in lines) if tab}


class Monitor:
    """The samples of a monitored time; empty until it is over."""

    def __init__(self) -> None:
        self.samples: tuple[Sample, ...] = ()


@contextlib.contextmanager
def monitored(shell: Shell, files: Sequence[str], interval_s: float, service: Sequence[str] = ()) -> Iterator[Monitor]:
    """Sample `files` every `interval_s` inside the block; without files and service nothing is started.

    Args:
        shell: of the device.
        files: on it.
        interval_s: between two samples.
        service: a command whose output is sampled too, as `SERVICE`, every two seconds.
    """
    monitor = Monitor()
    if not files and not service:
        yield monitor
        return
    out = f"{shell.workspace}/samples-{uuid.uuid4().hex}.txt"
    every = max(1, round(SERVICE_INTERVAL_S / interval_s)) if service else 0
    script = _SCRIPT.format(service=SERVICE, command=shlex.join(service) if service else "true")
    process = shell.start(["sh", "-c", script, "sampler", f"{interval_s:g}", out, str(every), *files])
    try:
        yield monitor
    finally:
        process.kill()
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder, "samples.txt")
        shell.run(["touch", out], timeout_s=30)  # a run may be over before the sampler has begun
        shell.pull(out, local)
        monitor.samples = parse_samples(local.read_text(encoding="utf-8", errors="replace"))
    shell.run(["rm", "-f", out], timeout_s=30)
