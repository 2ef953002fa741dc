"""Builds litert_bench from the sources in `device_harness/native`, once for each kind of device and each source."""

import hashlib
import importlib.util
import os
import platform
import tempfile
from pathlib import Path
from typing import NamedTuple

from device_harness import process
from device_harness.errors import CommandFailedError, ToolMissingError

SOURCES = Path(__file__).resolve().parents[1] / "native"
BUILD_LIMIT_S = 300.0


class Platform(NamedTuple):
    """What a runner is built for: ``linux`` or ``android``, and ``x86_64`` or ``arm64``."""

    system: str
    architecture: str


def build_litert_bench(target: Platform, *, folder: Path | None = None) -> Path:
    """The program for `target`, built now unless these sources were built for it before.

    Args:
        target: system and architecture of the device.
        folder: where builds are kept; None takes the user's cache folder.

    Raises:
        ToolMissingError: no CMake, no compiler for this target, or no NDK.
        CommandFailedError: the build failed; the message has the compiler's words.
    """
    kept = (folder or _cache_folder()) / f"litert_bench-{sources_digest()[:16]}-{target.system}-{target.architecture}"
    if kept.is_file():
        return kept
    options = _toolchain(target)
    cmake = process.find_program("cmake", "Install CMake (apt install cmake; brew install cmake).")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as build:
        for command in ([cmake, "-S", str(SOURCES), "-B", build, *options], [cmake, "--build", build]):
            result = process.run(command, timeout_s=BUILD_LIMIT_S)
            if result.returncode != 0:
                words = (result.errors or result.text).strip()[-800:]
                raise CommandFailedError(f"building litert_bench for {' '.join(target)} failed:\n{words}")
        Path(build, "litert_bench").replace(kept)
    return kept


def sources_digest() -> str:
    """SHA-256 over the names and contents of the sources."""
    digest = hashlib.sha256()
    for path in sorted([*SOURCES.glob("*.[ch]"), SOURCES / "CMakeLists.txt"]):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def host_platform() -> Platform:
    """This machine's."""
    return Platform("linux", {"aarch64": "arm64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine()))


def find_litert_library() -> Path:
    """`libLiteRt.so` of the installed `ai-edge-litert`, for this machine; nothing is imported.

    Raises:
        ToolMissingError: it is not installed.
    """
    spec = importlib.util.find_spec("ai_edge_litert")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        library = Path(folder, "libLiteRt.so")
        if library.is_file():
            return library
    raise ToolMissingError(
        "libLiteRt.so is not here. Install it with: pip install 'mobile-export[litert]', or give --litert-library."
    )


def _toolchain(target: Platform) -> list[str]:
    """CMake options that select the compiler for `target`."""
    if target.system == "android":
        home = os.environ.get("ANDROID_NDK_HOME") or os.environ.get("ANDROID_NDK_ROOT")
        file = Path(home or "", "build/cmake/android.toolchain.cmake")
        if not home or not file.is_file():
            raise ToolMissingError(
                "building litert_bench for Android needs the NDK: set ANDROID_NDK_HOME to its folder, "
                "or give --benchmark-binary."
            )
        abi = {"arm64": "arm64-v8a"}.get(target.architecture, target.architecture)
        return [f"-DCMAKE_TOOLCHAIN_FILE={file}", f"-DANDROID_ABI={abi}", "-DANDROID_PLATFORM=android-28"]
    if target == host_platform():
        return []
    compiler = {"arm64": "aarch64-linux-gnu-gcc", "x86_64": "x86_64-linux-gnu-gcc"}.get(target.architecture)
    if compiler is None:
        raise ToolMissingError(
            f"litert_bench cannot be built for {target.architecture} here. Build it on the device with CMake and give "
            "--benchmark-binary."
        )
    packages = (
        "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" if target.architecture == "arm64" else "gcc-x86-64-linux-gnu"
    )
    process.find_program(compiler, f"Install it (apt install {packages}), or give --benchmark-binary.")
    processor = {"arm64": "aarch64"}.get(target.architecture, target.architecture)
    return ["-DCMAKE_SYSTEM_NAME=Linux", f"-DCMAKE_SYSTEM_PROCESSOR={processor}", f"-DCMAKE_C_COMPILER={compiler}"]


def _cache_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("mobile-export") / "runners"
