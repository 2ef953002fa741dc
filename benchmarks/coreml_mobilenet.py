"""Compression settings for Core ML on a trained MobileNetV2, judged by running the artifacts with the evaluator.

    MOBILE_EXPORT_SHARED=../shared python benchmarks/coreml_mobilenet.py            # all settings
    MOBILE_EXPORT_SHARED=../shared python benchmarks/coreml_mobilenet.py W8A8       # those whose name contains this

Prints a markdown table: bytes of the package, top-1 on the 500 shared images, signal-to-noise ratio of the logits.
Calibration of W8A8 uses the first 100 of them, without their labels.
"""

import csv
import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.execution.heavy import load_torchvision, quiet
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.settings import Activations
from profilers.decibels import snr_db

_CALIBRATION = 100


def _images(archive: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    from PIL import Image

    with zipfile.ZipFile(archive) as content:
        (listing,) = (name for name in content.namelist() if name.endswith("labels.csv"))
        rows = list(csv.DictReader(io.TextIOWrapper(content.open(listing))))
        folder = listing.removesuffix("labels.csv")
        pixels = [np.asarray(Image.open(content.open(folder + row["path"])).convert("RGB"), np.float32) for row in rows]
    return np.stack(pixels).transpose(0, 3, 1, 2) / 127.5 - 1, np.array([int(row["label"]) for row in rows])


def _settings(images: NDArray[Any]) -> dict[str, tuple[bool, Callable[[Any], Any]]]:
    """Whether to equalize, and what to do to the float16 program, by name."""
    from exporter.formats.coreml.conversion.activations import quantize_activations
    from exporter.formats.coreml.conversion.kmeans import palettize_weights

    optimize = load_coremltools().optimize.coreml

    def linear(**settings: Any) -> Callable[[Any], Any]:
        config = optimize.OptimizationConfig(global_config=optimize.OpLinearQuantizerConfig(**settings))
        return lambda model: optimize.linear_quantize_weights(model, config)

    def table(nbits: int, group: int = 0, scale: bool = False) -> Callable[[Any], Any]:
        grouping = {"granularity": "per_grouped_channel", "group_size": group} if group else {}
        config = optimize.OptimizationConfig(
            global_config=optimize.OpPalettizerConfig(nbits=nbits, enable_per_channel_scale=scale, **grouping)
        )
        return lambda model: palettize_weights(model, config)

    def integers(observer: str, scheme: str) -> Callable[[Any], Any]:
        activations = Activations(observer=observer, scheme=scheme)
        calibration = [{"x": image[None]} for image in images[:_CALIBRATION]]
        weights = linear(mode="linear_symmetric")
        return lambda model: weights(
            quantize_activations(model, activations, calibration, keep_float=lambda operation: False)
        )

    found: dict[str, tuple[bool, Callable[[Any], Any]]] = {"float16": (False, lambda model: model)}
    found["int8 linear, per channel"] = (False, linear(mode="linear_symmetric"))
    found["int4 linear, blocks of 32"] = (
        False,
        linear(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32),
    )
    for observer in ("min_max", "moving_average", "percentile"):
        for scheme in ("symmetric", "affine"):
            found[f"W8A8, {observer}, {scheme}"] = (False, integers(observer, scheme))
    for nbits in (8, 6, 4):
        for group in (0, 8, 4, 1) if nbits < 8 else (0,):
            for equalize in (False, True):
                name = (
                    f"{nbits}-bit table"
                    + (f", groups of {group}" if group else "")
                    + (", equalized" if equalize else "")
                )
                found[name] = (equalize, table(nbits, group))
    found["6-bit table, per-channel scale"] = (False, table(6, scale=True))
    return found


def main() -> int:
    """Print the table."""
    import torch

    from exporter.formats.common.equalization import equalize
    from exporter.formats.coreml.reference import ReferenceModel

    coremltools, shared = load_coremltools(), Path(os.environ["MOBILE_EXPORT_SHARED"])
    images, labels = _images(shared / "data" / "imagenet_sample_500.zip")
    source = load_torchvision().models.mobilenet_v2(weights=None)
    source.load_state_dict(torch.load(shared / "models" / "mobilenet_v2_imagenet.pt", map_location="cpu"))
    source.eval()
    with torch.inference_mode():
        wanted = np.concatenate([source(torch.from_numpy(images[i : i + 10])) for i in range(0, len(images), 10)])
    models: dict[bool, Any] = {}

    def float16(equalized: bool) -> Any:
        if equalized not in models:
            example = torch.from_numpy(images[:1])
            module = equalize(source, (example,)) if equalized else source
            with quiet(), torch.no_grad():
                models[equalized] = coremltools.convert(
                    torch.jit.trace(module, example),
                    inputs=[coremltools.TensorType("x", shape=example.shape)],
                    outputs=[coremltools.TensorType("y")],
                    minimum_deployment_target=coremltools.target.iOS18,
                    skip_model_load=True,
                )
        return models[equalized]

    print("| setting | bytes | top-1 % | SNR dB |\n|---|---|---|---|")
    print(f"| torch, float32 | | {(wanted.argmax(1) == labels).mean() * 100:.1f} | |", flush=True)
    for name, (equalized, compress) in _settings(images).items():
        if len(sys.argv) > 1 and not any(part in name for part in sys.argv[1:]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.mlpackage"
            with quiet():
                compress(float16(equalized)).save(str(path))
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            model = ReferenceModel(path)
            found = np.concatenate([one["y"] for one in model.predictions({"x": image[None]} for image in images)])
        snr = snr_db(wanted, found)
        print(f"| {name} | {size:,} | {(found.argmax(1) == labels).mean() * 100:.1f} | {snr:.1f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
