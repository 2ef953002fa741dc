r"""Conversion time against litert-torch and coremltools, start to finish, imports included, alternated in one run.

Ours: `mobile-export convert` to float32, float16, dynamic-range, int8 and int16x8 TFLite and float16 Core ML.
Theirs: litert-torch's float32 TFLite in its own environment, then coremltools' float16 ML program.
All convert a network of torchvision with the same weights, whose batch norms have seen data.

    uv venv litert && uv pip install --python litert/bin/python torch torchvision litert-torch
    uv venv core && uv pip install --python core/bin/python torch torchvision coremltools
    python benchmarks/convert.py --litert litert/bin/python --coremltools core/bin/python \
        --models mobilenet_v2 resnet50 squeezenet1_1 --runs 3

coremltools has an environment of its own because it does not load beside TensorFlow 2.21. Compile the modules of all
three environments first (python -m compileall), as pip does and uv does not. Memory is the proportional set size of
a command's processes together, at its highest (Linux).
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import numpy as np
import psutil
import torch
import torchvision

LOOK_S = 0.5

SOURCE = """
import sys, torch, torchvision
model = torchvision.models.get_model(sys.argv[1], weights=None).eval()
model.load_state_dict(torch.load(sys.argv[2], weights_only=True))
example = (torch.randn(1, 3, 224, 224),)
"""

LITERT = (
    SOURCE
    + """
import litert_torch
litert_torch.convert(model, example).export(sys.argv[3] + "/peer.tflite")
"""
)

COREMLTOOLS = (
    SOURCE
    + """
import coremltools as ct
traced = torch.jit.trace(model, example)
ct.convert(traced, inputs=[ct.TensorType(shape=example[0].shape)], minimum_deployment_target=ct.target.iOS17,
           skip_model_load=True).save(sys.argv[3] + "/peer.mlpackage")
"""
)

TARGETS = """
[targets.coreml]
format = "coreml"
minimum_os = "iOS 17"

""" + "\n".join(
    f'[targets.{mode}]\nformat = "tflite"\nminimum_os = "Android 12"\nquantization.mode = "{mode}"\n'
    for mode in ("float32", "float16", "dynamic_range", "int8", "int16x8")
)

OURS = [
    str(Path(sys.executable).with_name("mobile-export")),
    "convert",
    *(
        word
        for name in ("float32", "float16", "dynamic_range", "int8", "int16x8", "coreml")
        for word in ("--target", name)
    ),
]


def prepare(model: str, folder: Path) -> None:
    """Weights, ten examples to calibrate with, and our targets."""
    network = torchvision.models.get_model(model, weights=None)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(torch.randn(8, 3, 224, 224))
    torch.save(network.state_dict(), folder / "weights.pt")
    np.savez(folder / "noise.npz", x=np.random.default_rng(0).standard_normal((10, 3, 224, 224), np.float32))
    (folder / "targets.toml").write_text(TARGETS, encoding="utf-8")


def commands(model: str, folder: Path, litert: str, coremltools: str) -> dict[str, list[str]]:
    """What is timed, by name."""
    weights = str(folder / "weights.pt")
    given = [
        "--weights",
        weights,
        "--calibration",
        str(folder / "noise.npz"),
        "--targets",
        str(folder / "targets.toml"),
    ]
    return {
        "ours": [*OURS, f"torchvision:{model}", *given, "--output", str(folder / "out"), "--force"],
        "litert-torch": [litert, "-c", LITERT, model, weights, str(folder)],
        "coremltools": [coremltools, "-c", COREMLTOOLS, model, weights, str(folder)],
    }


def timed(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall seconds, and the highest memory in GB, of a command."""
    with (folder / "said").open("w+", encoding="utf-8") as said:
        started = time.monotonic()
        environment = {**os.environ, "MOBILE_EXPORT_CACHE": str(folder / "cache")}
        process = psutil.Popen(command, stdout=said, stderr=said, env=environment)
        with ThreadPoolExecutor(1) as pool:
            ended = Event()
            peak = pool.submit(highest, process, ended)
            process.wait()
            seconds = time.monotonic() - started
            ended.set()
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)}\nfailed:\n{said.read()[-2000:]}")
        return seconds, peak.result() / 1e9


def highest(process: psutil.Popen, ended: Event) -> int:
    """The highest memory in bytes until it has ended; looked at seldom, since a look takes the process's time."""
    peak = 0
    while not ended.wait(LOOK_S):
        peak = max(peak, memory(process))
    return peak


def memory(process: psutil.Process) -> int:
    """Bytes of a process and those that it started; pages that they share are counted once."""
    found = 0
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                found += one.memory_full_info().pss
    return found


def row(model: str, litert: str, coremltools: str, runs: int) -> str:
    """Medians of a model: seconds of each, ratio of ours to the peers' sum in one round; highest memory of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(model, folder)
        all_of_them = commands(model, folder, litert, coremltools)
        taken = [{name: timed(command, folder) for name, command in all_of_them.items()} for _ in range(runs)]
    seconds = [{name: one[0] for name, one in found.items()} for found in taken]
    ratio = statistics.median(one["ours"] / (one["litert-torch"] + one["coremltools"]) for one in seconds)
    medians = [f"{statistics.median(one[name] for one in seconds):.1f}" for name in all_of_them]
    peaks = [f"{max(found[name][1] for found in taken):.2f}" for name in ("ours", "litert-torch")]
    return f"| {model} | {' | '.join(medians)} | {ratio:.2f} | {' | '.join(peaks)} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litert", required=True, help="python of the environment with litert-torch")
    parser.add_argument("--coremltools", required=True, help="python of the environment with coremltools alone")
    parser.add_argument("--models", nargs="+", default=["mobilenet_v2"])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print("| model | ours s | litert-torch s | coremltools s | ours / theirs | our peak GB | litert-torch's peak GB |")
    print("|---|---|---|---|---|---|---|")
    for model in options.models:
        print(row(model, options.litert, options.coremltools, options.runs), flush=True)


if __name__ == "__main__":
    main()
