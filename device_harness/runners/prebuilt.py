"""litert_bench built in advance: the wheel `mobile-export-runners`, so that phones need no tool chain on the host.

The wheel holds a program a platform and `runners.json`, which says of which sources they were built. A program of other
sources than this version's is not used: it might print a document that this version reads differently.
"""

import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from device_harness.frozen import Frozen
from device_harness.runners.platforms import Platform, sources_digest

WHEEL = "mobile-export-runners"
PACKAGE = "mobile_export_runners"
MANIFEST = "runners.json"


class Program(Frozen):
    """One program of the wheel.

    Attributes:
        system: ``linux`` or ``android``.
        architecture: ``x86_64`` or ``arm64``.
        file: beside the manifest.
        sha256: of the file.
        built_with: the compiler's name and version, and the C library that it was built for.
    """

    system: Literal["linux", "android"]
    architecture: Literal["x86_64", "arm64"]
    file: str
    sha256: str
    built_with: str


class Manifest(Frozen):
    """What the wheel holds.

    Attributes:
        sources_sha256: see `sources_digest`.
    """

    schema_version: Literal[1] = 1
    sources_sha256: str
    programs: tuple[Program, ...]


class Prebuilt(NamedTuple):
    """The program of the wheel, or why there is none."""

    program: Path | None
    reason: str = ""


def prebuilt_program(target: Platform) -> Prebuilt:
    """The installed wheel's program for `target`, held against its manifest; nothing of the wheel is executed here."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return Prebuilt(None, f"{WHEEL}, which has it ready, is not installed")
    folder = Path(next(iter(spec.submodule_search_locations)))
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        return Prebuilt(None, f"{WHEEL} {_version()} cannot be read: {str(error).splitlines()[0]}")
    if manifest.sources_sha256 != sources_digest():
        return Prebuilt(None, f"{WHEEL} {_version()} is of another version: install the one of this mobile-export")
    for one in manifest.programs:
        if (one.system, one.architecture) == target:
            return _whole(folder / one.file, one)
    ready = ", ".join(f"{one.system} {one.architecture}" for one in manifest.programs)
    return Prebuilt(None, f"{WHEEL} {_version()} has none for {' '.join(target)}, only for {ready}")


def _whole(path: Path, program: Program) -> Prebuilt:
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == program.sha256:
        return Prebuilt(path)
    return Prebuilt(None, f"{path} is damaged: install {WHEEL} anew")


def _version() -> str:
    try:
        return importlib.metadata.version(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed by pip)"
