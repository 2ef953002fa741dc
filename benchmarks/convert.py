r"""Conversion time against litert-torch and coremltools, start to finish, imports included, alternated in one run.

Ours: float32, float16, dynamic-range, int8 and int16x8 TFLite plus float16 Core ML, in one process.
Theirs: litert-torch's float32 TFLite in its own environment, then coremltools' float16 ML program.

    uv venv litert && uv pip install --python litert/bin/python torch torchvision litert-torch
    uv venv core && uv pip install --python core/bin/python torch torchvision coremltools
    python benchmarks/convert.py --litert litert/bin/python --coremltools core/bin/python \
        --models mobilenet_v2 resnet50 squeezenet1_1 --runs 3

coremltools has an environment of its own because it does not load beside TensorFlow 2.21. Compile the modules of all
three environments first (python -m compileall), as pip does and uv does not.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = """
import torch, torchvision
model = torchvision.models.get_model(sys.argv[1], weights=None).eval()
example = (torch.randn(1, 3, 224, 224),)
"""

PEER = (
    "import sys\n"
    + SOURCE
    + """
import litert_torch
litert_torch.convert(model, example).export(sys.argv[2] + "/peer.tflite")
"""
)

COREMLTOOLS = (
    "import sys\n"
    + SOURCE
    + """
import coremltools as ct
traced = torch.jit.trace(model, example)
ct.convert(traced, inputs=[ct.TensorType(shape=example[0].shape)], minimum_deployment_target=ct.target.iOS17,
           skip_model_load=True).save(sys.argv[2] + "/peer.mlpackage")
"""
)

OURS = """
import sys
from pathlib import Path
import numpy as np
from exporter.formats.session import ConversionSession
from exporter.datasets.dataset import Dataset
from exporter.sources.load import load_source
from exporter.data.settings.model import ModelSettings
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.tflite.settings import TfliteTarget
source = load_source("torchvision:" + sys.argv[1], ModelSettings(weights="none"))
noise = Dataset("noise", "noise", 10, lambda i: (np.random.default_rng(i).standard_normal((3, 224, 224), np.float32),))
session = ConversionSession(source, noise, 10)
targets = [
    TfliteTarget.model_validate(
        {"name": mode, "format": "tflite", "minimum_os": "Android 12", "quantization": {"mode": mode}}
    )
    for mode in ("float32", "float16", "dynamic_range", "int8", "int16x8")
]
targets.append(CoremlTarget.model_validate({"name": "coreml", "format": "coreml", "minimum_os": "iOS 17"}))
for target in targets:
    folder = Path(sys.argv[2]) / target.name
    folder.mkdir()
    session.convert(target, folder)
"""


def timed(python: str, script: str, model: str) -> tuple[float, float]:
    """Wall seconds and peak resident memory in GB of a fresh process that runs `script`."""
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "said", "w+", encoding="utf-8") as said:
        started = time.monotonic()
        process = subprocess.Popen([python, "-c", script, model, folder], stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        if status:
            said.seek(0)
            sys.exit(f"{python} failed on {model}:\n{said.read()[-2000:]}")
        return seconds, used.ru_maxrss / 1e6


def row(model: str, pythons: dict[str, tuple[str, str]], runs: int) -> str:
    """Medians of a model: seconds of each, ratio of ours to the peers' sum in one round, peaks of ours and litert's."""
    taken = [{name: timed(*started, model) for name, started in pythons.items()} for _ in range(runs)]
    seconds = [{name: one[0] for name, one in found.items()} for found in taken]
    ratio = statistics.median(one["ours"] / (one["litert-torch"] + one["coremltools"]) for one in seconds)
    medians = [f"{statistics.median(one[name] for one in seconds):.1f}" for name in pythons]
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
    pythons = {
        "ours": (sys.executable, OURS),
        "litert-torch": (options.litert, PEER),
        "coremltools": (options.coremltools, COREMLTOOLS),
    }
    print("| model | ours s | litert-torch s | coremltools s | ours / theirs | our peak GB | litert-torch's peak GB |")
    print("|---|---|---|---|---|---|---|")
    for model in options.models:
        print(row(model, pythons, options.runs), flush=True)


if __name__ == "__main__":
    main()
