"""Conversion time against litert-torch and coremltools, start to finish, imports included, alternated in one run.

Ours: float32, float16, dynamic-range, int8 and int16x8 TFLite plus float16 Core ML, in one process.
Theirs: litert-torch's float32 TFLite in its own environment, then coremltools' float16 ML program.

    python -m venv peer && peer/bin/pip install torch==2.13.0 torchvision==0.28.0 litert-torch==0.10.0
    python benchmarks/convert.py --peer peer/bin/python --models mobilenet_v2 resnet50 squeezenet1_1 --runs 3
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time

# torchvision's compiled operators need CUDA; declaring two schemas lets a CPU build import it.
SHIM = """
import torch
for name in ("nms", "qnms"):
    try:
        torch.library.define("torchvision::" + name, "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except RuntimeError:
        pass
import torchvision
model = torchvision.models.get_model(sys.argv[1], weights=None).eval()
example = (torch.randn(1, 3, 224, 224),)
"""

PEER = (
    "import sys\n"
    + SHIM
    + """
import litert_torch
litert_torch.convert(model, example).export(sys.argv[2] + "/peer.tflite")
"""
)

COREMLTOOLS = (
    "import sys\n"
    + SHIM
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
    """Wall seconds and peak memory in GB of a fresh process that runs `script`."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        done = subprocess.run([python, "-c", script, model, folder], capture_output=True, text=True)
        seconds = time.monotonic() - started
        if done.returncode:
            sys.exit(f"{python} failed on {model}:\n{done.stderr[-2000:]}")
        return seconds, max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1e6


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="python of the environment with litert-torch")
    parser.add_argument("--models", nargs="+", default=["mobilenet_v2"])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print("| model | ours s | litert-torch s | coremltools s | ours / theirs | peak GB (largest process so far) |")
    print("|---|---|---|---|---|---|")
    for model in options.models:
        ours, peer, core = [], [], []
        for _ in range(options.runs):
            seconds, peak = timed(sys.executable, OURS, model)
            ours.append(seconds)
            peer.append(timed(options.peer, PEER, model)[0])
            core.append(timed(sys.executable, COREMLTOOLS, model)[0])
        ratio = statistics.median(a / (b + c) for a, b, c in zip(ours, peer, core, strict=True))
        medians = " | ".join(f"{statistics.median(values):.1f}" for values in (ours, peer, core))
        print(f"| {model} | {medians} | {ratio:.2f} | {peak:.2f} |", flush=True)


if __name__ == "__main__":
    main()
