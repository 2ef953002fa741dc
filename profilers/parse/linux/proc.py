"""Linux's /proc and /sys files, and Android's tools that read them."""

import re
from typing import NamedTuple

from device_harness.errors import UnreadableOutputError
from device_harness.machine import memory_status


class ProcessTimes(NamedTuple):
    """A line of ``/proc/PID/stat`` or ``/proc/PID/task/TID/stat``; times in clock ticks (`getconf CLK_TCK`, 100)."""

    pid: int
    name: str
    state: str
    user_ticks: int
    system_ticks: int


class CpuTicks(NamedTuple):
    """A ``cpu`` line of ``/proc/stat``, in clock ticks since boot."""

    busy: int
    idle: int


class TopProcess(NamedTuple):
    """One process as ``top`` shows it; `cpu` is in CPUs (1 is one core kept busy)."""

    pid: int
    cpu: float
    name: str


class Simpleperf(NamedTuple):
    """Counters of ``simpleperf stat`` by name, and the CPUs used."""

    counters: dict[str, float]
    cpus_used: float | None


def parse_process_stat(line: str) -> ProcessTimes:
    """Fields 1, 2, 3, 14 and 15; the name may be empty, and may hold blanks and brackets.

    Raises:
        UnreadableOutputError: not such a line.
    """
    match = re.match(r"^(\d{1,10}) \((.*)\) (\S)((?: -?\d{1,20}){12,})", line.strip(), flags=re.DOTALL)
    if match is None:
        raise UnreadableOutputError(f"not a line of /proc/PID/stat: {line[:80]!r}")
    fields = match[4].split()
    return ProcessTimes(int(match[1]), match[2], match[3], max(0, int(fields[10])), max(0, int(fields[11])))


def parse_system_stat(text: str) -> CpuTicks:
    """The total of all CPUs from ``/proc/stat``.

    Raises:
        UnreadableOutputError: no line ``cpu``.
    """
    match = re.search(r"^cpu ((?: ?\d{1,20}\b){4,})", text, flags=re.MULTILINE)
    if match is None:
        raise UnreadableOutputError("not a /proc/stat: there is no line of all CPUs")
    ticks = [int(part) for part in match[1].split()]
    idle = ticks[3] + (ticks[4] if len(ticks) > 4 else 0)
    # Guest time (fields 9 and 10) is counted in user time already.
    return CpuTicks(sum(ticks[:8]) - idle, idle)


def parse_memory_status(text: str) -> dict[str, int]:
    """VmHWM, VmRSS and VmSwap of ``/proc/PID/status``, in bytes; only those that are there.

    Raises:
        UnreadableOutputError: none of them is there (a kernel thread, a zombie, or another file).
    """
    found = memory_status(text)
    if not found:
        raise UnreadableOutputError("no memory figures in this /proc/PID/status")
    return found


def parse_top(text: str) -> tuple[TopProcess, ...]:
    """Processes of ``top -b -n 1`` (toybox); percentages there are of one CPU.

    Raises:
        UnreadableOutputError: no header with PID and CPU columns.
    """
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines()
    at = next((index for index, line in enumerate(lines) if re.match(r"\s*PID USER", line) and "CPU]" in line), None)
    if at is None:
        raise UnreadableOutputError("not the output of `top -b`: there is no header with PID and %CPU")
    # ``S[%CPU]`` is two columns without a blank between.
    columns = lines[at].replace("S[%CPU]", "S %CPU").split()
    if "%CPU" not in columns:
        raise UnreadableOutputError("this output of `top` has no column %CPU")
    position = columns.index("%CPU")
    found = []
    for line in lines[at + 1 :]:
        fields = line.split(None, len(columns) - 1)
        complete = len(fields) == len(columns) and re.fullmatch(r"\d{1,10}", fields[0])
        if complete and re.fullmatch(r"\d{1,6}(\.\d+)?", fields[position]):
            found.append(TopProcess(int(fields[0]), float(fields[position]) / 100, fields[-1].strip()))
    return tuple(found)


def parse_cpuinfo(text: str) -> tuple[TopProcess, ...]:
    """Processes of ``dumpsys cpuinfo``: an average over minutes, for display only.

    Raises:
        UnreadableOutputError: not such a dump.
    """
    if not re.search(r"^CPU usage from \d+ms to \d+ms ", text, flags=re.MULTILINE):
        raise UnreadableOutputError("not the output of `dumpsys cpuinfo`")
    rows = re.findall(r"^\s*[+-]?(\d{1,6}(?:\.\d{1,6})?)% (\d{1,10})/(.*?): \d", text, flags=re.MULTILINE)
    return tuple(TopProcess(int(pid), float(share) / 100, name) for share, pid, name in rows)


def parse_meminfo_total(text: str) -> int:
    """Total proportional set size of ``dumpsys meminfo PID``, in bytes.

    Raises:
        UnreadableOutputError: no total.
    """
    match = re.search(r"^\s*TOTAL(?: PSS)?:?\s+(\d{1,12})\b", text, flags=re.MULTILINE)
    if match is None or "MEMINFO in pid" not in text:
        raise UnreadableOutputError("not the output of `dumpsys meminfo PID`: there is no TOTAL")
    return int(match[1]) * 1024


def parse_simpleperf(text: str) -> Simpleperf:
    """Counters of ``simpleperf stat`` of old and new releases; ``task-clock`` is in seconds.

    Raises:
        UnreadableOutputError: no counters.
    """
    if "Performance counter statistics" not in text:
        raise UnreadableOutputError("not the output of `simpleperf stat`")
    counters: dict[str, float] = {}
    used = None
    for value, milliseconds, name, comment in re.findall(
        r"^\s*(\d[\d,]{0,30}(?:\.\d{1,12})?)(\(ms\))?\s+([a-z][\w:-]*)\s+#\s*(.*)$", text, flags=re.MULTILINE
    ):
        number = float(value.replace(",", ""))
        counters[name] = number / 1e3 if milliseconds else number
        match = re.match(r"(\d{1,6}(?:\.\d{1,12})?) cpus used", comment)
        used = float(match[1]) if match else used
    if not counters:
        raise UnreadableOutputError("this output of `simpleperf stat` has no counters: it is cut off")
    return Simpleperf(counters, used)
