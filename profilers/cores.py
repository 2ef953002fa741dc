"""Big and little cores of a device, by what its kernel says of them."""

import re
from collections.abc import Mapping

from device_harness.protocol import Shell
from profilers.conditions.conditions import cpu_name, cpus_of
from profilers.readings import CoreGroup
from profilers.watch.monitor import MAXIMUM_FILES, ONLINE_FILE, read_first_lines

CAPACITY_FILES = "/sys/devices/system/cpu/cpu[0-9]*/cpu_capacity"


def core_groups(shell: Shell | None) -> tuple[CoreGroup, ...]:
    """The kinds of CPUs that work now, the weakest first; empty where the device does not tell its CPUs."""
    if shell is None:
        return ()
    return groups_of(read_first_lines(shell, [CAPACITY_FILES, MAXIMUM_FILES, ONLINE_FILE]))


def groups_of(texts: Mapping[str, str]) -> tuple[CoreGroup, ...]:
    """As `core_groups`, of the files' first lines by path. Source: cpu_capacity, else cpuinfo_max_freq, of sysfs."""
    kinds: dict[tuple[int, int], list[int]] = {}
    for cpu in sorted(cpus_of(texts.get(ONLINE_FILE, "")) or ()):
        kinds.setdefault((_number(texts, cpu, "cpu_capacity"), _number(texts, cpu, "cpuinfo_max_freq")), []).append(cpu)
    ranked = sorted(kinds.items())
    return tuple(
        CoreGroup(name=name, cpus=tuple(cpus), capacity=capacity or None, max_hz=kilohertz * 1e3 or None)
        for name, ((capacity, kilohertz), cpus) in zip(_names(len(ranked)), ranked, strict=True)
    )


def _number(texts: Mapping[str, str], cpu: int, file: str) -> int:
    """0 where the kernel does not tell it."""
    found = (text for path, text in texts.items() if cpu_name(path) == f"cpu{cpu}" and path.endswith(f"/{file}"))
    text = next(found, "")
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0


def _names(count: int) -> list[str]:
    if count < 2:
        return ["all"] * count
    between = ["middle"] if count == 3 else [f"middle-{number + 1}" for number in range(count - 2)]
    return ["little", *between, "big"]
