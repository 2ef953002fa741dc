"""What Linux says of this machine and of a process: ``/proc/cpuinfo`` and ``/proc/PID/status``."""

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
