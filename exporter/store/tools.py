"""Versions of the libraries and facts of the machine, for records and cache keys."""

import importlib.metadata
import os
import platform
import re
from collections.abc import Iterable
from functools import cache

from device_harness.machine import processor_name
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
def declared_libraries() -> tuple[str, ...]:
    """The distributions that this program is installed with, of all extras but that of its developers."""
    try:
        lines = importlib.metadata.requires("mobile-export") or []
    except importlib.metadata.PackageNotFoundError:  # files alone, not installed
        return ()
    used = [line for line in lines if not re.search(r"""extra == ['"]dev['"]""", line)]
    return tuple(sorted({re.split(r"[^\w.-]", line)[0] for line in used}))


@cache
def machine_facts() -> dict[str, str]:
    """What readings of this machine depend on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor_name() or platform.machine(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
    }
