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


def parse_memory_status(text: str) -> dict[str, int]:
    """VmHWM, VmRSS and VmSwap of ``/proc/PID/status``, in bytes; only those that are there.

    Raises:
        UnreadableOutputError: none of them is there (a kernel thread, a zombie, or another file).
    """
    found = memory_status(text)
    if not found:
        raise UnreadableOutputError("no memory figures in this /proc/PID/status")
    return found
