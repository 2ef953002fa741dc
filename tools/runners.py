"""Builds the wheel `mobile-export-runners`: litert_bench for Linux and Android, for hosts of phones without a compiler.

    python -m tools.runners FOLDER [--allow-missing]

Linux is built with Zig's C compiler (the package `ziglang`) for glibc 2.28, as LiteRT's own wheels are, so that boards
need no newer system than LiteRT does; Android with the NDK of ANDROID_NDK_HOME. A platform that cannot be built here
is an error, or with --allow-missing is told and left out: a profile then says that the wheel has none for it.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from device_harness.errors import ToolMissingError
from device_harness.runners.build import build_litert_bench
from device_harness.runners.platforms import Platform, sources_digest
from device_harness.runners.prebuilt import MANIFEST, PACKAGE, WHEEL, Manifest, Program

ROOT = Path(__file__).resolve().parents[1]
GLIBC = "2.28"
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
PLATFORMS = tuple(Platform(system, architecture) for system in ("linux", "android") for architecture in MACHINES)
PROJECT = f"""[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{WHEEL}"
version = "VERSION"
description = "litert_bench for Linux and Android, which mobile-export runs models with on devices"
requires-python = ">=3.11"
license = "Apache-2.0"

[tool.hatch.build.targets.wheel]
packages = ["{PACKAGE}"]
"""


def main() -> None:
    """Build the programs, then the wheel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--allow-missing", action="store_true", help="Leave out what cannot be built here.")
    given = parser.parse_args()
    try:
        print(wheel(given.folder, PLATFORMS, allow_missing=given.allow_missing))
    except ToolMissingError as error:
        sys.exit(str(error))


def wheel(folder: Path, platforms: tuple[Platform, ...], *, allow_missing: bool = False) -> Path:
    """The wheel with a program for each of `platforms`, made in `folder`.

    Raises:
        ToolMissingError: one of them cannot be built here, or with `allow_missing` none.
    """
    with tempfile.TemporaryDirectory() as work:
        package = Path(work, PACKAGE)
        package.mkdir()
        programs = []
        for target in platforms:
            try:
                programs.append(_program(target, package))
            except ToolMissingError as error:
                if not allow_missing:
                    raise
                print(f"left out {' '.join(target)}: {error}", file=sys.stderr)
        if not programs:
            raise ToolMissingError("no program could be built here")
        manifest = Manifest(sources_sha256=sources_digest(), programs=tuple(programs))
        (package / MANIFEST).write_text(json.dumps(manifest.model_dump(), indent=2) + "\n", encoding="utf-8")
        (package / "__init__.py").write_text('"""Programs for devices; mobile-export reads runners.json."""\n')
        Path(work, "pyproject.toml").write_text(PROJECT.replace("VERSION", _version()), encoding="utf-8")
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder.resolve())]
        subprocess.run(command, cwd=work, check=True, capture_output=True)
    (made,) = folder.glob(f"{PACKAGE}-*.whl")
    return made


def _program(target: Platform, package: Path) -> Program:
    compiler, built_with = _compiler(target)
    with tempfile.TemporaryDirectory() as builds:
        program = build_litert_bench(target, folder=Path(builds), compiler=compiler)
        name = f"litert_bench-{target.system}-{target.architecture}"
        shutil.copy(program, package / name)
    digest = hashlib.sha256((package / name).read_bytes()).hexdigest()
    return Program.model_validate({**target._asdict(), "file": name, "sha256": digest, "built_with": built_with})


def _compiler(target: Platform) -> tuple[list[str], str]:
    """A command, empty where the NDK has its own, and what is told of it."""
    if target.system == "android":
        home = Path(os.environ.get("ANDROID_NDK_HOME") or os.environ.get("ANDROID_NDK_ROOT") or "")
        properties = home / "source.properties"
        revision = dict(_pairs(properties.read_text())) if properties.is_file() else {}
        return [], f"NDK {revision.get('Pkg.Revision', 'of unknown revision')}, API 28"
    if importlib.util.find_spec("ziglang") is None:
        raise ToolMissingError("ziglang is not installed: pip install ziglang")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{MACHINES[target.architecture]}-linux-gnu.{GLIBC}"]
    return command, f"zig {importlib.metadata.version('ziglang')}, glibc {GLIBC}"


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = [line.partition("=") for line in text.splitlines() if "=" in line]
    return [(key.strip(), value.strip()) for key, _, value in lines]


def _version() -> str:
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return version


if __name__ == "__main__":
    main()
