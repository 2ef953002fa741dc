"""What Linux says of this machine and of a process: ``/proc/cpuinfo`` and ``/proc/PID/status``."""

import contextlib
import platform
import re
from pathlib import Path


def processor_name() -> str | None:
    """The processor as the system calls it; None where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Hardware", "Model"))]
    return names[0] if names else platform.processor() or None


def memory_status(text: str) -> dict[str, int]:
    """VmRSS, VmSwap and VmHWM of a ``/proc/PID/status`` text, in bytes; only those that are in it."""
    found = re.findall(r"^(VmRSS|VmSwap|VmHWM):\s+([0-9]{1,15}) kB$", text, flags=re.MULTILINE)
    return {key: int(value) * 1024 for key, value in found}


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
