"""What litert_bench is built for, and of which sources."""

import hashlib
import platform
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).resolve().parents[1] / "native"


class Platform(NamedTuple):
    """What a runner is built for: ``linux`` or ``android``, and ``x86_64`` or ``arm64``."""

    system: str
    architecture: str


def host_platform() -> Platform:
    """This machine's."""
    return Platform("linux", {"aarch64": "arm64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine()))


def sources_digest() -> str:
    """SHA-256 over the names and contents of the sources."""
    digest = hashlib.sha256()
    for path in sorted([*SOURCES.glob("*.[ch]"), SOURCES / "CMakeLists.txt"]):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
