"""litert_bench for a kind of device: built in advance, or from `device_harness/native`, once for each source."""

import importlib.util
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from device_harness import process
from device_harness.errors import CommandFailedError, ToolMissingError
from device_harness.runners.platforms import SOURCES, Platform, host_platform, sources_digest
from device_harness.runners.prebuilt import prebuilt_program

BUILD_LIMIT_S = 300.0


def litert_bench_for(target: Platform) -> Path:
    """The program for `target`: the installed wheel's, else one that is built here.

    Raises:
        ToolMissingError: neither; the message says why not, and what to install.
        CommandFailedError: the build failed; the message has the compiler's words.
    """
    ready = prebuilt_program(target)
    if ready.program is not None:
        return ready.program
    try:
        return build_litert_bench(target)
    except ToolMissingError as error:
        raise ToolMissingError(f"{error} ({ready.reason}.)") from error


def build_litert_bench(target: Platform, *, folder: Path | None = None, compiler: Sequence[str] = ()) -> Path:
    """The program for `target`, built now unless these sources were built for it before.

    Args:
        target: system and architecture of the device.
        folder: where builds are kept; None takes the user's cache folder.
        compiler: command of a C compiler for `target`; empty takes the host's own, Debian's or the NDK's.

    Raises:
        ToolMissingError: no CMake, no compiler for this target, or no NDK.
        CommandFailedError: the build failed; the message has the compiler's words.
    """
    kept = (folder or _cache_folder()) / f"litert_bench-{sources_digest()[:16]}-{target.system}-{target.architecture}"
    if kept.is_file():
        return kept
    options = _cross(target, compiler) if compiler else _toolchain(target)
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
    return _cross(target, [compiler])


def _cross(target: Platform, compiler: Sequence[str]) -> list[str]:
    processor = {"arm64": "aarch64"}.get(target.architecture, target.architecture)
    command = ";".join(compiler)
    return ["-DCMAKE_SYSTEM_NAME=Linux", f"-DCMAKE_SYSTEM_PROCESSOR={processor}", f"-DCMAKE_C_COMPILER={command}"]


def _cache_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("mobile-export") / "runners"
