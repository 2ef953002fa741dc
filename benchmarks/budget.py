"""Time, memory and accuracy of `mobile-export budget` on large packages.

Makes packages of pseudo-random weights (float32, int8, 16 shared values, three quarters zeros) beside code-like text,
runs the command on each in a process of its own, and prints wall time, peak resident memory, and how far the estimate
is from compressing every byte in one piece (`--exact`).

    python benchmarks/budget.py [--megabytes 500] [--exact]
"""

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil

CHUNK = 8 << 20
PLIST = (
    b'<?xml version="1.0"?><plist version="1.0"><dict><key>MinimumOSVersion</key><string>17.0</string></dict></plist>'
)


def weights(kind: str, size: int, rng: np.random.Generator) -> Iterator[bytes]:
    """About `size` bytes of weights of `kind`, in chunks."""
    make: dict[str, Callable[[int], bytes]] = {
        "float32": lambda n: rng.standard_normal(n // 4, dtype=np.float32).tobytes(),
        "int8": lambda n: np.clip(rng.standard_normal(n, dtype=np.float32) * 30, -127, 127).astype(np.int8).tobytes(),
        "16 values": lambda n: rng.standard_normal(16, dtype=np.float32)[rng.integers(0, 16, n // 4)].tobytes(),
        "sparse": lambda n: (
            (rng.standard_normal(n // 4, dtype=np.float32) * (rng.random(n // 4) < 0.25)).astype(np.float32).tobytes()
        ),
    }
    for begin in range(0, size, CHUNK):
        yield make[kind](min(CHUNK, size - begin) // 4 * 4)


def write_entry(archive: zipfile.ZipFile, name: str, chunks: Iterator[bytes], method: int) -> None:
    """Stream `chunks` into an entry."""
    info = zipfile.ZipInfo(name)
    info.compress_type = method
    with archive.open(info, "w", force_zip64=True) as stream:
        for chunk in chunks:
            stream.write(chunk)


def make_package(path: Path, size: int) -> None:
    """An .ipa (deflated, as Xcode does), .aab or .apk (models stored) with `size` bytes of models and some code."""
    rng = np.random.default_rng(7)
    prefix = {"ipa": "Payload/App.app/", "aab": "base/assets/", "apk": "assets/"}[path.suffix[1:]]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        if path.suffix == ".ipa":
            archive.writestr(f"{prefix}Info.plist", PLIST)
        elif path.suffix == ".aab":
            archive.writestr("base/manifest/AndroidManifest.xml", b"")
        else:
            archive.writestr("AndroidManifest.xml", b"")
        archive.writestr(f"{prefix}code.txt", b"some code that compresses well " * 50_000, zipfile.ZIP_DEFLATED)
        for kind in ("float32", "int8", "16 values", "sparse"):
            name = kind.replace(" ", "_")
            inside = f"{name}.mlmodelc/weights/weight.bin" if path.suffix == ".ipa" else f"{name}.tflite"
            method = zipfile.ZIP_DEFLATED if path.suffix == ".ipa" else zipfile.ZIP_STORED
            write_entry(archive, prefix + inside, weights(kind, size // 4, rng), method)


def run(path: Path, *options: str) -> tuple[float, float, float, int]:
    """Wall seconds, processor seconds, peak resident megabytes, and the download in bytes."""
    program = Path(sys.executable).with_name("mobile-export")
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [program, "budget", path, "-f", "json", *options], stdout=subprocess.PIPE, cwd=path.parent, text=True
    )
    assert process.stdout is not None
    watched, peak = psutil.Process(process.pid), 0.0
    # Polled, because the maximum that wait4 gives starts from this process's own size at the fork.
    reader = threading.Thread(target=lambda: lines.append(process.stdout.read()))  # type: ignore[union-attr]
    lines: list[str] = []
    reader.start()
    while reader.is_alive():
        with contextlib.suppress(psutil.Error):
            peak = max(peak, watched.memory_info().rss / 1e6)
        time.sleep(0.01)
    output = lines[0]
    process.wait()
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, busy, peak, json.loads(output)["subjects"][0]["download"]["value"]


def main() -> None:
    """Make, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--exact", action="store_true", help="also compress every file in one piece, and compare")
    arguments = parser.parse_args()
    size = arguments.megabytes * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"app.{suffix}") for suffix in ("ipa", "aab", "apk")]
        for path in paths:
            make_package(path, size)
        for kind in ("float32", "16 values"):
            path = Path(folder, f"{kind.replace(' ', '_')}.tflite")
            path.write_bytes(b"".join(weights(kind, size // 5, np.random.default_rng(3))))
            paths.append(path)
        print(f"{'':18} {'MB':>6} {'s':>6} {'CPU s':>6} {'peak MB':>8} {'download':>12} {'from exact':>11}")
        for path in paths:
            seconds, busy, memory, download = run(path)
            off = ""
            if arguments.exact:
                *_, exact = run(path, "--exact")
                off = f"{(download - exact) / exact:+.3%}"
            figures = f"{path.stat().st_size / 1e6:6.0f} {seconds:6.2f} {busy:6.2f} {memory:8.0f} {download:12}"
            print(f"{path.name:18} {figures} {off:>11}")


if __name__ == "__main__":
    main()
