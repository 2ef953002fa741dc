"""Versions of the libraries and facts of the machine, for records and cache keys."""

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from functools import cache

from exporter import __version__


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """Versions of this program and of those `distributions` that are installed; nothing is imported."""
    versions = {"mobile-export": __version__}
    for name in distributions:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@cache
def machine_facts() -> dict[str, str]:
    """What readings of this machine depend on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            names = [line.partition(":")[2].strip() for line in stream if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
