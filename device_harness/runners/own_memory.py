"""Memory of this process, as the kernel tells it."""

import contextlib
from pathlib import Path

from device_harness.machine import memory_status


def forget_peak() -> None:
    """Have the peak counted from here on: importing this program's libraries may have taken more than the model does.

    Source: proc(5), ``/proc/PID/clear_refs``. Where it is not allowed the peak is that of the whole process, which
    makes the model's own memory look larger, never smaller.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_bytes() -> int:
    """Highest resident memory so far."""
    status = _status()
    return max(status.get("VmHWM", 0), status.get("VmRSS", 0) + status.get("VmSwap", 0))


def resident_bytes() -> int:
    """Resident memory now; on macOS the highest so far, since nothing tells the present one."""
    status = _status()
    return status.get("VmRSS", status.get("VmHWM", 0)) + status.get("VmSwap", 0)


def _status() -> dict[str, int]:
    """From ``/proc/self/status``; where there is none, the peak alone."""
    path = Path("/proc/self/status")
    if path.exists():
        return memory_status(path.read_text(encoding="utf-8"))
    import resource

    # macOS counts in bytes.
    return {"VmHWM": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
